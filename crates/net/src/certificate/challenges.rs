//! Answers to http-01 challenges (RFC 8555 section 8.3): put here by whoever orders a certificate,
//! given out by whoever serves `/.well-known/acme-challenge/` over plain HTTP.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::normal;

/// Where a token is looked for, up to the token itself.
pub const CHALLENGE_PATH: &str = "/.well-known/acme-challenge/";

/// The answers that authorities are waiting for. Clones share one table; it holds one answer for
/// each order under way, of which there are few.
#[derive(Debug, Clone, Default)]
pub struct Challenges(Arc<ArcSwap<Answers>>);

/// By host and token.
type Answers = HashMap<(Box<str>, Box<str>), Arc<str>>;

impl Challenges {
    /// The answer for a token that is asked for at a host (without a port); the body of a 200. Costs
    /// a load when nothing is being ordered, which is nearly always.
    #[must_use]
    pub fn answer(&self, host: &str, token: &str) -> Option<String> {
        let answers = self.0.load();
        if answers.is_empty() {
            return None;
        }
        answers.get(&(normal(host), token.into())).map(|answer| answer.as_ref().to_owned())
    }

    /// Gives out an answer until it is [taken away](Self::end).
    pub fn begin(&self, host: &str, token: &str, answer: &str) {
        let (key, answer) = ((normal(host), token.into()), answer.into());
        self.0.rcu(|answers| {
            let mut answers = Answers::clone(answers);
            answers.insert(Clone::clone(&key), Arc::clone(&answer));
            answers
        });
    }

    /// Ends what [`Self::begin`] began.
    pub fn end(&self, host: &str, token: &str) {
        let key = (normal(host), token.into());
        self.0.rcu(|answers| {
            let mut answers = Answers::clone(answers);
            answers.remove(&key);
            answers
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_to_the_host_and_token_it_is_for() {
        let challenges = Challenges::default();
        assert_eq!(challenges.answer("a.example", "t"), None);
        challenges.begin("A.example", "t", "t.print");
        challenges.begin("b.example", "u", "u.print");
        assert_eq!(challenges.answer("a.example.", "t").as_deref(), Some("t.print"));
        for (host, token) in [("b.example", "t"), ("a.example", "T"), ("a.example", "")] {
            assert_eq!(challenges.answer(host, token), None, "{host} {token}");
        }
        challenges.end("a.example", "t");
        assert_eq!(challenges.answer("a.example", "t"), None);
        assert!(challenges.answer("b.example", "u").is_some());
    }
}
