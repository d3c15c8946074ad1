//! Records as a zone file (RFC 1035 section 5), out and in.
//!
//! Out goes the whole zone, its SOA record and name servers included, for other servers to read. In
//! come the records that users have: those that this server makes of its own, and the name servers
//! of the apex, which are those of whoever served the zone before, are passed over. What a file
//! cannot say stands in comments, as [`attributes`].

mod attributes;
mod entries;
mod export;
mod import;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

pub use export::export;

use super::tokens::quote;

/// Character strings in quotes, one space apart.
fn quoted<'s>(strings: impl Iterator<Item = &'s [u8]>) -> String {
    let mut text = String::new();
    for string in strings {
        if !text.is_empty() {
            text.push(' ');
        }
        quote(string, &mut text);
    }
    text
}

fn absolute(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}
