//! Takes a file apart: which documents it has, where each stands, and of which kinds it says
//! everything.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::{FORMAT, Kind, Place};
use crate::problem::Problem;
use crate::read::Clipped;

/// A document as the file has it, not looked at yet.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    pub(super) id: &'a str,
    pub(super) place: Place,
    /// JSON pointer to it.
    pub(super) pointer: String,
    pub(super) body: &'a Value,
}

/// A file taken apart.
#[derive(Debug, Default)]
pub(super) struct Entries<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    /// Where the file says everything of a kind.
    pub(super) whole: BTreeSet<(Kind, Place)>,
    seen: BTreeSet<(Kind, &'a str)>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Entries<'a> {
    /// Takes a file apart; `accounts` are those that there are.
    pub(super) fn of(file: &'a Value, accounts: &[&str]) -> Self {
        let mut found = Self::default();
        match file["format"].as_u64() {
            Some(1..=FORMAT) => {}
            _ => found.wrong("/format", format_args!("format must be {FORMAT}")),
        }
        for (part, pointer) in found.list(file, "", "accounts").unwrap_or_default() {
            found.account(part, &pointer, accounts);
        }
        found
    }

    fn account(&mut self, part: &'a Value, pointer: &str, accounts: &[&str]) {
        let Some(id) = part["account"]["id"].as_str() else {
            return self.wrong(&format!("{pointer}/account/id"), format_args!("id is required"));
        };
        if !accounts.contains(&id) {
            let pointer = format!("{pointer}/account/id");
            let id = Clipped(id);
            return self.wrong(&pointer, format_args!("account \"{id}\" does not exist"));
        }
        let place = Place { account: id.to_owned(), zone: None };
        self.lists(part, pointer, &Kind::OF_ACCOUNT, &place);
        let Some(zones) = self.list(part, pointer, "zones") else { return };
        self.whole.insert((Kind::Zone, place.clone()));
        for (part, pointer) in zones {
            let zone = format!("{pointer}/zone");
            self.entry(Kind::Zone, &part["zone"], zone, &place);
            if let Some(id) = part["zone"]["id"].as_str() {
                let place = Place { zone: Some(id.to_owned()), ..place.clone() };
                self.lists(part, &pointer, &Kind::OF_ZONE, &place);
            }
        }
    }

    fn lists(
        &mut self,
        part: &'a Value,
        pointer: &str,
        kinds: &[(&'static str, Kind)],
        place: &Place,
    ) {
        for (list, kind) in kinds {
            let Some(items) = self.list(part, pointer, list) else { continue };
            self.whole.insert((*kind, place.clone()));
            if *kind == Kind::ZoneSettings {
                // One document, which is a list itself.
                if !items.is_empty() {
                    self.settings(&part[*list], format!("{pointer}/{list}"), place);
                }
                continue;
            }
            for (body, pointer) in items {
                self.entry(*kind, body, pointer, place);
            }
        }
    }

    /// The settings of a zone go by the zone's id; where that is wrong it is the zone's mistake.
    fn settings(&mut self, body: &'a Value, pointer: String, place: &Place) {
        let zones = self.entries.iter().rev().filter(|entry| entry.kind == Kind::Zone);
        let zone = zones.map(|entry| entry.id).find(|id| place.zone.as_deref() == Some(id));
        if let Some(id) = zone
            && self.seen.insert((Kind::ZoneSettings, id))
        {
            let kind = Kind::ZoneSettings;
            self.entries.push(Entry { kind, id, place: place.clone(), pointer, body });
        }
    }

    fn entry(&mut self, kind: Kind, body: &'a Value, pointer: String, place: &Place) {
        let Some(id) = body["id"].as_str() else {
            return self.wrong(&format!("{pointer}/id"), format_args!("id is required"));
        };
        if !is_id(id) {
            let reason = format_args!("id must be 32 lower-case hexadecimal digits");
            return self.wrong(&format!("{pointer}/id"), reason);
        }
        if !self.seen.insert((kind, id)) {
            return self.problems.push(Problem::not_unique(&format!("{pointer}/id")));
        }
        self.entries.push(Entry { kind, id, place: place.clone(), pointer, body });
    }

    /// The items of a list and where they are; `None` when it is left out.
    fn list(
        &mut self,
        part: &'a Value,
        pointer: &str,
        name: &str,
    ) -> Option<Vec<(&'a Value, String)>> {
        let pointer = format!("{pointer}/{name}");
        match part.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Array(items)) => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(place, item)| (item, format!("{pointer}/{place}")))
                    .collect(),
            ),
            Some(_) => {
                self.wrong(&pointer, format_args!("{name} must be a list"));
                None
            }
        }
    }

    fn wrong(&mut self, pointer: &str, reason: core::fmt::Arguments<'_>) {
        self.problems.push(Problem::invalid(pointer, reason));
    }
}

/// Whether a text can be an identifier (api.md 1.5).
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
