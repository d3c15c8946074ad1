//! From the server's refusal to the flag that caused it: the API points into the document, people
//! typed flags.

use std::error::Error;
use std::fmt;

use crate::client::{ClientError, Refusal};
use crate::exit::Failure;

/// Paths of a document and the flags that set them.
pub(super) type Flags = &'static [(&'static str, &'static str)];

/// What clients of the API match on, and people need not read.
const SUFFIX: &str = ": validation failed";

/// A refusal told in flags.
#[derive(Debug)]
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Told {}

/// What was being done, and why it was refused, by the flags of the command.
pub(super) fn failure(doing: String, error: ClientError, flags: Flags) -> Failure {
    match error {
        ClientError::Refused(refusal) if refusal.way_out().is_none() => {
            Failure::Failed { doing, source: Box::new(Told(told(&refusal, flags))) }
        }
        error => Failure::doing(doing)(error),
    }
}

fn told(refusal: &Refusal, flags: Flags) -> String {
    let reasons: Vec<_> = refusal
        .errors
        .iter()
        .map(|reason| {
            let message = reason.message.trim_end_matches(SUFFIX);
            match flag(&reason.pointer, flags) {
                Some(flag) => format!("{flag}: {message}"),
                None => message.to_owned(),
            }
        })
        .collect();
    match reasons.as_slice() {
        [] => format!("the server answered {}", refusal.status),
        [reason] => reason.clone(),
        several => several.iter().fold("refused".to_owned(), |text, reason| text + "\n  " + reason),
    }
}

/// The flag that sets what a pointer points at; where there is none, the assignment that would.
fn flag(pointer: &str, flags: Flags) -> Option<String> {
    let path = pointer.strip_prefix('/')?;
    let path = if path.contains('.') { pointer.to_owned() } else { path.replace('/', ".") };
    let covers = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let known = flags.iter().filter(|(prefix, _)| covers(prefix));
    Some(match known.max_by_key(|(prefix, _)| prefix.len()) {
        Some((prefix, flag)) if *prefix == path => (*flag).to_owned(),
        Some((_, flag)) => format!("{flag} ({path})"),
        None => format!("--set {path}=…"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Reason;

    const FLAGS: Flags = &[("origins", "--origin"), ("ttl", "--ttl"), ("name", "NAME")];

    fn reason(pointer: &str, message: &str) -> Reason {
        Reason { code: 1002, message: message.to_owned(), pointer: pointer.to_owned() }
    }

    #[test]
    fn pointers_become_flags() {
        for (pointer, expected) in [
            ("/ttl", Some("--ttl")),
            ("/origins/0/weight", Some("--origin (origins.0.weight)")),
            ("/rules/1/condition", Some("--set rules.1.condition=…")),
            ("/header/X.Y", Some("--set /header/X.Y=…")),
            ("/ttlx", Some("--set ttlx=…")),
            ("", None),
        ] {
            assert_eq!(flag(pointer, FLAGS).as_deref(), expected, "{pointer}");
        }
    }

    #[test]
    fn one_reason_stands_on_the_line_and_several_below_it() {
        let one = Refusal { status: 400, errors: vec![reason("/ttl", "bad: validation failed")] };
        assert_eq!(told(&one, FLAGS), "--ttl: bad");
        let errors = vec![reason("/ttl", "bad"), reason("", "worse")];
        assert_eq!(told(&Refusal { status: 400, errors }, FLAGS), "refused\n  --ttl: bad\n  worse");
        assert_eq!(
            told(&Refusal { status: 502, errors: vec![] }, FLAGS),
            "the server answered 502"
        );
    }
}
