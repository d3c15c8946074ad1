//! Many changes of a zone's records as one: deletions, patches, replacements and creations, in that
//! order, each finding what those before it left, and all of them or none.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::conflicts::check;
use super::document::DnsRecord;
use crate::body;
use crate::context::{Context, Verb};
use crate::problem::{IDENTICAL_RECORD, Problem, Problems};
use crate::read::{Node, Object};

/// Most records one batch may change: as many as a zone of the largest published plan may have.
pub const BATCH_RECORDS_MAX: usize = 3500;

/// A batch as sent, its records not looked at yet.
#[derive(Debug, Clone)]
pub struct Batch {
    sent: Map<String, Value>,
    /// Whether records that exist already are passed over instead of refused.
    passes_identical: bool,
}

impl JsonSchema for Batch {
    fn schema_name() -> Cow<'static, str> {
        "RecordBatch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let named = json!({
            "type": "array",
            "maxItems": BATCH_RECORDS_MAX,
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": { "id": { "type": "string" } },
            },
        });
        let new = json!({
            "type": "array",
            "maxItems": BATCH_RECORDS_MAX,
            "items": { "type": "object", "required": ["type", "name"] },
        });
        json_schema!({
            "type": "object",
            "properties": { "deletes": named, "patches": named, "puts": named, "posts": new },
        })
    }
}

/// The records a batch deleted, as they were, and those it wrote, as they became.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct BatchAnswer {
    /// Deleted.
    pub deletes: Vec<DnsRecord>,
    /// Changed in part.
    pub patches: Vec<DnsRecord>,
    /// Replaced.
    pub puts: Vec<DnsRecord>,
    /// Created.
    pub posts: Vec<DnsRecord>,
}

impl Batch {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is no JSON object, or a part of it no list of objects.
    pub fn of_body(body: &[u8]) -> Result<Self, Vec<Problem>> {
        let sent = body::parse(body)?;
        let problems = Problems::default();
        let object = Object::root(&sent, &problems);
        let parts = ["deletes", "patches", "puts", "posts"];
        let items = parts.iter().filter_map(|part| {
            let items = object.items(part, part, 0..=BATCH_RECORDS_MAX)?;
            Some(items.iter().filter_map(Node::object).count())
        });
        if items.sum::<usize>() > BATCH_RECORDS_MAX {
            object.problem(format_args!("a batch may change at most {BATCH_RECORDS_MAX} records"));
        }
        problems.unless_any(Self { sent, passes_identical: false })
    }

    /// A batch of creations, where records that exist already are passed over.
    pub(super) fn of_posts(bodies: Vec<Value>) -> Self {
        let sent = [("posts".to_owned(), Value::Array(bodies))].into_iter().collect();
        Self { sent, passes_identical: true }
    }

    /// How many records it creates: so many identifiers it needs.
    #[must_use]
    pub fn posts(&self) -> usize {
        self.of("posts").count()
    }

    fn of(&self, part: &str) -> impl Iterator<Item = &Map<String, Value>> {
        self.sent
            .get(part)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
    }

    /// What it makes of the records of the zone of this name; `ids` are the new records'.
    ///
    /// # Errors
    /// Everything wrong with it, each problem with a pointer into the batch.
    pub fn run<'a>(
        &self,
        records: impl IntoIterator<Item = &'a DnsRecord>,
        zone: &str,
        ids: &[String],
        cx: &Context<'_>,
    ) -> Result<BatchAnswer, Vec<Problem>> {
        let records = records.into_iter().map(|record| (record.id.clone(), record.clone()));
        let mut run = Run {
            records: records.collect(),
            passes_identical: self.passes_identical,
            zone,
            cx,
            problems: Problems::default(),
        };
        let mut answer = BatchAnswer::default();
        for (place, sent) in self.of("deletes").enumerate() {
            let found = run.found(sent).and_then(|id| run.records.remove(&id));
            match found {
                Some(record) => answer.deletes.push(record),
                None => run.missing("deletes", place),
            }
        }
        for (part, verb, written) in [
            ("patches", Verb::Patch, &mut answer.patches),
            ("puts", Verb::Replace, &mut answer.puts),
        ] {
            for (place, sent) in self.of(part).enumerate() {
                match run.found(sent) {
                    Some(id) => written.extend(run.write(part, place, verb, sent, &id)),
                    None => run.missing(part, place),
                }
            }
        }
        for (place, (sent, id)) in self.of("posts").zip(ids).enumerate() {
            answer.posts.extend(run.write("posts", place, Verb::Create, sent, id));
        }
        run.problems.unless_any(answer)
    }
}

/// A batch half done.
struct Run<'a> {
    records: BTreeMap<String, DnsRecord>,
    passes_identical: bool,
    zone: &'a str,
    cx: &'a Context<'a>,
    problems: Problems,
}

impl Run<'_> {
    /// The record that an item names, if there is one.
    fn found(&self, sent: &Map<String, Value>) -> Option<String> {
        let id = sent.get("id")?.as_str()?;
        self.records.contains_key(id).then(|| id.to_owned())
    }

    fn missing(&self, part: &str, place: usize) {
        let pointer = format!("/{part}/{place}/id");
        self.problems.add(|| Problem { pointer, ..Problem::no_record() });
    }

    fn write(
        &mut self,
        part: &str,
        place: usize,
        verb: Verb,
        sent: &Map<String, Value>,
        id: &str,
    ) -> Option<DnsRecord> {
        let pointer = format!("/{part}/{place}");
        let current = self.records.get(id);
        let own = Problems::default();
        let cx = Context { id, ..*self.cx };
        let record =
            super::read(verb, sent.clone(), pointer.clone(), &own, current, self.zone, &cx);
        let conflict = || {
            let below = |problem: Problem| Problem {
                pointer: format!("{pointer}{}", problem.pointer),
                ..problem
            };
            check(&record, self.records.values()).map_err(|problem| below(problem).into())
        };
        match own.unless_any(()).and_then(|()| conflict()) {
            Ok(()) => {
                self.records.insert(id.to_owned(), record.clone());
                Some(record)
            }
            Err(problems)
                if self.passes_identical
                    && problems.iter().all(|problem| problem.code == IDENTICAL_RECORD) =>
            {
                None
            }
            Err(problems) => {
                for problem in problems {
                    self.problems.add(|| problem);
                }
                None
            }
        }
    }
}
