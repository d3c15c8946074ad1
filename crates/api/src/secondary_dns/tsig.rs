//! A secret shared with name servers elsewhere (RFC 8945).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use evenkeel_model::TsigAlgorithm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{Context, Verb};
use crate::dns_record::wire_name;
use crate::problem::{Problem, Problems};
use crate::read::{Clipped, Object};
use crate::{body, hosts};

/// Longest secret, in characters: more bytes than any of the hashes takes in.
const SECRET_CHARS_MAX: usize = 1024;

/// A key of transaction signatures. Unlike other secrets it is answered, for the other side has to
/// be told the same and the published clients compare it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tsig {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// The key's name, a domain name, which is the same on both sides.
    pub name: String,
    /// `hmac-sha256.` or another of RFC 8945, with or without its final dot.
    pub algo: String,
    /// The secret in base64.
    pub secret: String,
}

impl fmt::Debug for Tsig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, algo, .. } = self;
        f.debug_struct("Tsig")
            .field("id", id)
            .field("name", name)
            .field("algo", algo)
            .finish_non_exhaustive()
    }
}

impl Tsig {
    /// The document a request leaves behind.
    ///
    /// # Errors
    /// Everything wrong with the body, or with the document it would result in.
    pub fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let sent = body::parse(body)?;
        let current = current.filter(|_| verb != Verb::Create);
        let whole = match current {
            Some(current) if verb == Verb::Patch => body::overlaid(current, sent, &[]),
            _ => sent,
        };
        let problems = Problems::default();
        let object = Object::root(&whole, &problems);
        let text = |name| {
            object.require(name);
            object.text_within(name, 1..=SECRET_CHARS_MAX).unwrap_or_default()
        };
        let tsig = Self {
            id: current.map_or(cx.id, |current| &current.id).to_owned(),
            name: text("name"),
            algo: text("algo"),
            secret: text("secret"),
        };
        let says = |member: &str| !member.is_empty();
        if says(&tsig.name) && name(&tsig.name).is_none() {
            object.problem_at("name", format_args!("invalid name: {}", Clipped(&tsig.name)));
        }
        if says(&tsig.name) && cx.lookup.tsig_name_taken(&tsig.name, Some(&tsig.id)) {
            object.not_unique_at("name");
        }
        if says(&tsig.algo) && algorithm(&tsig.algo).is_none() {
            let [sha1, sha256, sha384, sha512] = TsigAlgorithm::ALL.map(TsigAlgorithm::name);
            let reason = format_args!("algo must be one of {sha256}, {sha384}, {sha512}, {sha1}");
            object.problem_at("algo", reason);
        }
        if says(&tsig.secret) && secret(&tsig.secret).is_none() {
            object.problem_at("secret", format_args!("secret must be base64"));
        }
        problems.unless_any(tsig)
    }

    /// Whether two names are one to name servers.
    #[must_use]
    pub fn is_named(&self, other: &str) -> bool {
        bare(&self.name).eq_ignore_ascii_case(bare(other))
    }
}

fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// A key's name on the wire, in lower case.
pub(super) fn name(text: &str) -> Option<Vec<u8>> {
    let mut wire = Vec::new();
    wire_name(&hosts::name(text)?, &mut wire);
    Some(wire)
}

/// The algorithm of a name, in any letter case, with or without a final dot.
pub(super) fn algorithm(text: &str) -> Option<TsigAlgorithm> {
    let is_it = |known: &TsigAlgorithm| known.name().eq_ignore_ascii_case(bare(text));
    TsigAlgorithm::ALL.into_iter().find(is_it)
}

pub(super) fn secret(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok().filter(|secret| !secret.is_empty())
}
