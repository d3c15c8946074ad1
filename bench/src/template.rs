//! Configuration files with holes: `{{name}}` is a value, a line that starts with `{{?flag}}` is
//! there when the flag is on, one with `{{!flag}}` when it is off. Lines of comment are left out of
//! both, so that a template can explain its own notation. A hole that nothing fills is an error.

use crate::failure::{Failure, Result};

/// What fills a template.
#[derive(Debug, Default)]
pub struct Values<'a> {
    /// Name and text of each hole.
    pub texts: Vec<(&'a str, String)>,
    /// Name and state of each condition.
    pub flags: Vec<(&'a str, bool)>,
}

/// Fills `template`, dropping the lines whose condition does not hold.
pub fn fill(template: &str, values: &Values<'_>) -> Result<String> {
    let mut filled = String::with_capacity(template.len() + 1024);
    for line in template.lines() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        let Some(line) = condition(line, values)? else { continue };
        fill_line(line, values, &mut filled)?;
        filled.push('\n');
    }
    Ok(filled)
}

/// The line without its condition, or nothing when that does not hold.
fn condition<'l>(line: &'l str, values: &Values<'_>) -> Result<Option<&'l str>> {
    let (rest, wanted) = match (line.strip_prefix("{{?"), line.strip_prefix("{{!")) {
        (Some(rest), _) => (rest, true),
        (_, Some(rest)) => (rest, false),
        (None, None) => return Ok(Some(line)),
    };
    let (name, rest) = rest.split_once("}}").ok_or_else(|| unclosed(line))?;
    match values.flags.iter().find(|(flag, _)| *flag == name) {
        Some((_, state)) => Ok((*state == wanted).then_some(rest)),
        None => Err(Failure::new(format!("template: no flag {name:?}"))),
    }
}

fn fill_line(line: &str, values: &Values<'_>, filled: &mut String) -> Result<()> {
    let mut rest = line;
    while let Some((before, hole)) = rest.split_once("{{") {
        let (name, after) = hole.split_once("}}").ok_or_else(|| unclosed(line))?;
        let Some((_, text)) = values.texts.iter().find(|(known, _)| *known == name) else {
            return Err(Failure::new(format!("template: no value for {name:?}")));
        };
        filled.push_str(before);
        filled.push_str(text);
        rest = after;
    }
    filled.push_str(rest);
    Ok(())
}

fn unclosed(line: &str) -> Failure {
    Failure::new(format!("template: {{{{ without }}}} in {line:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> String {
        let values = Values {
            texts: vec![("port", "80".to_owned())],
            flags: vec![("on", true), ("off", false)],
        };
        match fill(template, &values) {
            Ok(text) => text,
            Err(failure) => format!("error: {failure}"),
        }
    }

    #[test]
    fn holes_conditions_and_comments() {
        for (template, expected) in [
            ("bind {{port}} {{port}}", "bind 80 80\n"),
            ("{{?on}}  a {{port}}\n{{?off}}b\n{{!on}}c\n{{!off}}d", "  a 80\nd\n"),
            ("# {{name}}\n   # {{\nx", "x\n"),
            ("a { b } c", "a { b } c\n"),
            ("{{host}}", "error: template: no value for \"host\""),
            ("{{?maybe}}x", "error: template: no flag \"maybe\""),
            ("a {{port", "error: template: {{ without }} in \"a {{port\""),
        ] {
            assert_eq!(filled(template), expected, "{template:?}");
        }
    }
}
