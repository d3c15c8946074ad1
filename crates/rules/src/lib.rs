//! The expression language of load balancing rules: parse, check, evaluate. On the request path.
//!
//! | module | from | to |
//! |---|---|---|
//! | `parse` | text | `syntax`: what it says, with positions |
//! | `check` | `syntax` | `eval`: a tree of settled types |
//! | `eval` | the tree and [`Facts`] | true or false |
//! | `print` | `syntax` | the canonical text |
//!
//! ```
//! use evenkeel_rules::Expression;
//!
//! let rule = Expression::parse(r#"http.host == "shop.example" && ip.src in {192.0.2.0/24}"#)?;
//! assert_eq!(rule.to_string(), r#"http.host eq "shop.example" and ip.src in {192.0.2.0/24}"#);
//!
//! let error = Expression::parse(r#"ip.src contains "192""#).unwrap_err();
//! assert_eq!(error.at, 7);
//! # Ok::<(), evenkeel_rules::ParseError>(())
//! ```
//!
//! # Semantics
//!
//! - A field of the other mode, an index out of range and a key that is not there are missing
//!   values. No comparison with a missing value holds, `ne` included; a missing boolean by itself
//!   is false; functions of missing values are missing, `any` and `all` among them.
//! - `x[*]` stands for each value of an array. A comparison or a function then has as many results,
//!   of which `any(…)` and `all(…)` make one. A function's results are an array, to be
//!   indexed again: `any(lower(http.request.headers["x"][*])[*] eq "a")`.
//! - Strings are bytes, compared case-sensitively. Names of headers are lower-case.
//! - Addresses compare by value: IPv4 mapped into IPv6 is IPv4. Networks cover what their prefix
//!   covers, whatever bits stand behind it.
//! - `matches` searches anywhere in the string, with classes of ASCII unless `(?u)` says otherwise.
//!
//! Left to others: where facts come from, which rules there are and what follows from a match.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod check;
mod error;
mod eval;
mod expression;
mod facts;
mod field;
mod function;
mod kind;
mod network;
mod parse;
mod print;
mod syntax;

pub use error::ParseError;
pub use expression::{EXPRESSION_BYTES_MAX, Expression, REGEXES_MAX};
pub use facts::{Facts, HeaderVisitor};
pub use field::{BooleanField, IntegerField, IpField, TextField};
