//! Which object a name means. Ids are taken wherever names are; a name that means several objects
//! is refused rather than guessed.

use serde_json::Value;

/// Names that a message lists at most.
const LISTED_MAX: usize = 10;

/// The one object of that id, or of that name; `label` is the member that people know the kind by.
///
/// # Errors
/// A sentence that names the objects there are.
pub(crate) fn find<'a>(
    noun: &str,
    label: &str,
    objects: &'a [Value],
    wanted: &str,
) -> Result<&'a Value, String> {
    if let Some(object) = objects.iter().find(|object| object["id"] == wanted) {
        return Ok(object);
    }
    // Host names are written with a final dot and in any case.
    let name = |object: &Value| object[label].as_str().map(str::to_ascii_lowercase);
    let folded = wanted.trim_end_matches('.').to_ascii_lowercase();
    let exact: Vec<_> = objects.iter().filter(|object| object[label] == wanted).collect();
    let same: Vec<_> = match exact.is_empty() {
        false => exact,
        true => objects.iter().filter(|object| name(object).as_deref() == Some(&folded)).collect(),
    };
    match same.as_slice() {
        [object] => Ok(object),
        [] => Err(format!("no {noun} is called {wanted:?}; {}", listed(noun, label, objects))),
        several => {
            let ids: Vec<_> = several.iter().filter_map(|object| object["id"].as_str()).collect();
            let count = several.len();
            Err(format!(
                "{count} {noun}s are called {wanted:?}; name one by its id: {}",
                ids.join(", ")
            ))
        }
    }
}

fn listed(noun: &str, label: &str, objects: &[Value]) -> String {
    let mut names: Vec<_> = objects
        .iter()
        .map(|object| match object[label].as_str() {
            Some(name) if !name.is_empty() => name,
            _ => object["id"].as_str().unwrap_or_default(),
        })
        .collect();
    names.sort_unstable();
    match names.len() {
        0 => format!("there is no {noun} yet"),
        count if count > LISTED_MAX => {
            format!("there are {}, … ({count} in all)", names[..LISTED_MAX].join(", "))
        }
        _ => format!("there are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_or_an_id_means_one_object() {
        let pools = [
            json!({ "id": "1", "name": "web" }),
            json!({ "id": "2", "name": "twice" }),
            json!({ "id": "3", "name": "twice" }),
            json!({ "id": "4", "name": "Web" }),
            json!({ "id": "5", "name": "other" }),
        ];
        for (wanted, found) in
            [("web", "1"), ("Web", "4"), ("3", "3"), ("OTHER", "5"), ("other.", "5")]
        {
            assert_eq!(find("pool", "name", &pools, wanted).unwrap()["id"], found, "{wanted}");
        }
        for (wanted, said) in [("twice", "by its id: 2, 3"), ("WEB", "by its id: 1, 4")] {
            assert!(find("pool", "name", &pools, wanted).unwrap_err().contains(said));
        }
        let problem = find("pool", "name", &pools, "wbe").unwrap_err();
        assert_eq!(problem, r#"no pool is called "wbe"; there are Web, other, twice, twice, web"#);
        assert!(find("pool", "name", &[], "a").unwrap_err().ends_with("there is no pool yet"));
        let many: Vec<_> =
            (0..20).map(|n| json!({ "id": n.to_string(), "name": n.to_string() })).collect();
        assert!(find("pool", "name", &many, "x").unwrap_err().ends_with("… (20 in all)"));
    }
}
