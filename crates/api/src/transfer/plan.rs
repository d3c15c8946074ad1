//! What a file would change: every document validated among its future neighbours, compared with
//! what is there, and nothing written.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::index::{Index, counted_in, text};
use super::read::{Entries, Entry, is_id};
use super::{Document, FieldChange, Installation, Kind, Place, diff};
use crate::context::{Context, Limits, Verb};
use crate::notification::{apply_policy, apply_webhook};
use crate::problem::Problem;
use crate::references::{monitor_groups_of, monitors_of, monitors_of_group, pools_of};
use crate::{
    Account, DnsRecord, Zone, dns_record, load_balancer, monitor, monitor_group, pool, time, zone,
    zone_setting,
};

/// Problems that one answer names. A file has many documents, and each may be wrong; whoever mends
/// this many asks again.
const PROBLEMS_MAX: usize = 1000;

/// What a plan is made in.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Whether what is there and not in the file shall go, as far as the file says everything.
    pub prune: bool,
    /// The accounts that there are.
    pub accounts: &'a [Account],
    /// Who serves zones here.
    pub name_servers: &'a [String],
    /// What this installation allows.
    pub limits: &'a Limits,
    /// RFC 3339 in UTC with six fraction digits and `Z`.
    pub now: &'a str,
}

/// One document that changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// It as it is; none when it is new.
    pub before: Option<Document>,
    /// It as it shall be; none when it goes.
    pub after: Option<Document>,
}

/// Everything that a file would change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// In an order in which each document names only those before it; deletions come last.
    pub steps: Vec<Step>,
    /// Documents of the file that are there just so.
    pub unchanged: usize,
}

impl Step {
    /// The document that it is about.
    #[must_use]
    pub fn document(&self) -> &Document {
        self.after.as_ref().or(self.before.as_ref()).expect("a step has one or the other")
    }

    /// The fields of a document that change; none of one that comes or goes whole.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldChange> {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => diff::fields(&before.compared(), &after.compared()),
            _ => Vec::new(),
        }
    }
}

/// Checks a file as if nothing were there.
///
/// # Errors
/// Everything wrong with it, by JSON pointers into the file.
pub fn check(file: &Value, limits: &Limits, now: &str) -> Result<Plan, Vec<Problem>> {
    let parts = file["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ids = parts.iter().filter_map(|part| part["account"]["id"].as_str());
    let accounts: Vec<_> = ids.map(|id| Account::new(id, "", now)).collect();
    let options = Options { prune: false, accounts: &accounts, name_servers: &[], limits, now };
    plan(file, &Installation::default(), &options)
}

/// Tells what a file would change.
///
/// # Errors
/// Everything wrong with it, by JSON pointers into the file; what is wrong with a document that is
/// not in it has none.
pub fn plan(
    file: &Value,
    there: &Installation,
    options: &Options<'_>,
) -> Result<Plan, Vec<Problem>> {
    if !file.is_object() {
        return Err(Problem::invalid("", format_args!("the file must be a JSON object")).into());
    }
    let ids: Vec<&str> = options.accounts.iter().map(|account| account.id.as_str()).collect();
    let Entries { entries, whole, mut problems, .. } = Entries::of(file, &ids);
    let named: BTreeSet<(Kind, &str)> =
        entries.iter().map(|entry| (entry.kind, entry.id)).collect();
    let gone = if options.prune { pruned(there, &whole, &named) } else { BTreeSet::new() };

    let mut index = Index::default();
    for (place, document) in there.documents.values() {
        let key = (document.kind(), document.id());
        if !named.contains(&key) && !gone.contains(&key) {
            index.keep(place, document);
        }
    }
    for entry in &entries {
        index.expect(entry);
    }

    let known = there.of_kind(Kind::Zone).map(|(_, zone)| (zone.id(), zone.label().to_owned()));
    let sent = entries.iter().filter(|entry| entry.kind == Kind::Zone).map(|entry| {
        let name = text(entry.body, "name").unwrap_or_default();
        (entry.id, name.trim_end_matches('.').to_ascii_lowercase())
    });
    let zones = sent.chain(known).collect();
    let planner = Planner { there, index: &index, zones, options };
    let mut steps = Vec::new();
    let mut unchanged = 0;
    for entry in &entries {
        match planner.step(entry) {
            Err(found) => problems.extend(found),
            Ok(Some(step)) => steps.push(step),
            Ok(None) => unchanged += 1,
        }
        if problems.len() >= PROBLEMS_MAX {
            return Err(problems);
        }
    }
    quotas(&entries, there, &index, options.limits, &mut problems);
    left_hanging(there, &named, &gone, &mut problems);
    dns_conflicts(&steps, there, &gone, &entries, &mut problems);
    if !problems.is_empty() {
        problems.truncate(PROBLEMS_MAX);
        return Err(problems);
    }
    steps.sort_by_key(|step| step.document().kind());
    for (place, document) in there.documents.values().rev() {
        if gone.contains(&(document.kind(), document.id())) {
            let (place, before) = (place.clone(), Some(document.clone()));
            steps.push(Step { place, before, after: None });
        }
    }
    Ok(Plan { steps, unchanged })
}

/// What goes: it is there, the file says everything of its kind and place, and does not name it. A
/// zone takes along what stands in it.
fn pruned<'a>(
    there: &'a Installation,
    whole: &BTreeSet<(Kind, Place)>,
    named: &BTreeSet<(Kind, &str)>,
) -> BTreeSet<(Kind, &'a str)> {
    let mut gone = BTreeSet::new();
    for (place, document) in there.documents.values() {
        let key = (document.kind(), document.id());
        let is_spoken_of = whole.contains(&(key.0, place.clone()));
        let zone = place.zone.as_deref();
        let zone_goes = zone.is_some_and(|zone| gone.contains(&(Kind::Zone, zone)));
        if !named.contains(&key) && (is_spoken_of || zone_goes) {
            gone.insert(key);
        }
    }
    gone
}

/// What single documents are planned in.
struct Planner<'a> {
    there: &'a Installation,
    index: &'a Index,
    /// Names of zones by id, those of the file included.
    zones: BTreeMap<&'a str, String>,
    options: &'a Options<'a>,
}

impl Planner<'_> {
    /// The step that an entry asks for; none when its document is there just so.
    fn step(&self, entry: &Entry<'_>) -> Result<Option<Step>, Vec<Problem>> {
        let before = self.there.get(entry.kind, entry.id);
        if let Some((place, _)) = before.filter(|(place, _)| *place != entry.place) {
            let whose = place.zone.as_ref().unwrap_or(&place.account);
            let reason = format_args!("a {} of this id belongs to {whose}", entry.kind);
            return Err(Problem::invalid(&format!("{}/id", entry.pointer), reason).into());
        }
        let before = before.map(|(_, document)| document);
        let mut after = self.validated(entry, before).map_err(|problems| {
            let at = |problem: Problem| Problem {
                pointer: format!("{}{}", entry.pointer, problem.pointer),
                ..problem
            };
            problems.into_iter().map(at).collect::<Vec<_>>()
        })?;
        match before {
            None => keep_times(&mut after, entry.body),
            Some(before) => {
                let mut same = before.clone();
                if let (Some((_, Some(now))), Some((_, Some(then)))) = (after.times(), same.times())
                {
                    now.clone_into(then);
                }
                if same == after {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Step { place: entry.place.clone(), before: before.cloned(), after: Some(after) }))
    }

    /// The document of an entry, by the rules of its kind.
    fn validated(
        &self,
        entry: &Entry<'_>,
        before: Option<&Document>,
    ) -> Result<Document, Vec<Problem>> {
        let lookup = self.index.seen_by(&entry.place.account, entry.id);
        let Options { now, limits, .. } = *self.options;
        let cx = &Context { now, id: entry.id, limits, lookup: &lookup };
        let body = serde_json::to_vec(entry.body).unwrap_or_default();
        let verb = if before.is_some() { Verb::Replace } else { Verb::Create };
        let zone_id = entry.place.zone.as_deref();
        let zone = zone_id.and_then(|id| self.zones.get(id)).map_or("", String::as_str);
        /// What was before, as the kind that it is.
        macro_rules! before {
            ($kind:ident) => {
                before.and_then(|before| match before {
                    Document::$kind(document) => Some(document),
                    _ => None,
                })
            };
        }
        Ok(match entry.kind {
            Kind::Zone => Document::Zone(self.zone(entry, before!(Zone), verb, cx)?),
            Kind::ZoneSettings => Document::ZoneSettings(zone_setting::replaced(
                entry.body,
                entry.id,
                before!(ZoneSettings),
                now,
            )?),
            Kind::Monitor => Document::Monitor(monitor::apply(verb, &body, before!(Monitor), cx)?),
            Kind::MonitorGroup => Document::MonitorGroup(monitor_group::apply(
                verb,
                &body,
                before!(MonitorGroup),
                cx,
            )?),
            Kind::Pool => Document::Pool(pool::apply(verb, &body, before!(Pool), cx)?),
            Kind::LoadBalancer => {
                let scope = match zone_id {
                    Some(id) => load_balancer::Scope::Zone { id, name: zone },
                    None => load_balancer::Scope::Account,
                };
                let before = before!(LoadBalancer);
                Document::LoadBalancer(load_balancer::apply(verb, &body, before, &scope, cx)?)
            }
            Kind::DnsRecord => {
                Document::DnsRecord(dns_record::apply(verb, &body, before!(DnsRecord), zone, cx)?)
            }
            Kind::NotificationWebhook => {
                let before = before!(NotificationWebhook);
                let mut stored = apply_webhook(verb, &body, before, cx)?;
                // A file has no secrets: who has one keeps it.
                if stored.secret.is_none() {
                    stored.secret = before.and_then(|before| before.secret.clone());
                }
                Document::NotificationWebhook(stored)
            }
            Kind::NotificationPolicy => {
                let webhook_exists = |id: &str| lookup.exists(Kind::NotificationWebhook, id);
                // A filter outlives the pools that it names, where the file was written as well.
                let pool_exists = |id: &str| is_id(id);
                let before = before!(NotificationPolicy);
                Document::NotificationPolicy(apply_policy(
                    verb,
                    &body,
                    before,
                    &webhook_exists,
                    &pool_exists,
                    cx,
                )?)
            }
        })
    }

    /// A zone keeps its name and its account for ever: those of the file are compared, not taken.
    fn zone(
        &self,
        entry: &Entry<'_>,
        before: Option<&Zone>,
        verb: Verb,
        cx: &Context<'_>,
    ) -> Result<Zone, Vec<Problem>> {
        let name = text(entry.body, "name").unwrap_or_default();
        if let Some(before) = before
            && name.trim_end_matches('.').to_ascii_lowercase() != before.name
        {
            let known = &before.name;
            let reason = format_args!("a zone keeps its name, and the one of this id is {known}");
            return Err(Problem::invalid("/name", reason).into());
        }
        let mut body = entry.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.shift_remove("account");
        }
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let own = self.options.accounts.iter().filter(|account| account.id == entry.place.account);
        let accounts: Vec<Account> = own.cloned().collect();
        let scope = zone::Scope { accounts: &accounts, name_servers: self.options.name_servers };
        zone::apply(verb, &body, before, &scope, cx)
    }
}

/// Whoever moves in brings their dates along.
fn keep_times(document: &mut Document, body: &Value) {
    let sent = |body: &Value, member: &str| {
        text(body, member).filter(|text| time::parse(text).is_some()).map(ToOwned::to_owned)
    };
    let Some((created, modified)) = document.times() else { return };
    let created_sent = ["created_on", "created_at", "created"];
    if let Some(time) = created_sent.into_iter().find_map(|member| sent(body, member)) {
        *created = time;
    }
    let modified_sent = ["modified_on", "modified"];
    let time = modified_sent.into_iter().find_map(|member| sent(body, member));
    if let (Some(modified), Some(time)) = (modified, time) {
        *modified = time;
    }
    match document {
        Document::Zone(zone) => {
            zone.activated_on =
                sent(body, "activated_on").unwrap_or_else(|| zone.activated_on.clone());
        }
        Document::MonitorGroup(group) => {
            let sent_members = body["members"].as_array().into_iter().flatten();
            // Both in the order sent.
            for (member, body) in group.members.iter_mut().zip(sent_members) {
                if let Some(time) = sent(body, "created_at") {
                    member.created_at = time;
                }
                if let Some(time) = sent(body, "updated_at") {
                    member.updated_at = time;
                }
            }
        }
        Document::Pool(pool) => {
            keep_disabled(&mut pool.disabled_at, sent(body, "disabled_at"));
            let sent_origins = body["origins"].as_array().into_iter().flatten();
            for (origin, body) in pool.origins.iter_mut().zip(sent_origins) {
                keep_disabled(&mut origin.disabled_at, sent(body, "disabled_at"));
            }
        }
        _ => {}
    }
}

/// Since when something is disabled, if it is.
fn keep_disabled(since: &mut Option<String>, sent: Option<String>) {
    if let (Some(since), Some(sent)) = (since, sent) {
        *since = sent;
    }
}

/// Refuses what the file adds beyond what an account, or of DNS records a zone, may have. What is
/// there already stays, even where a quota has become smaller since.
fn quotas(
    entries: &[Entry<'_>],
    there: &Installation,
    index: &Index,
    limits: &Limits,
    problems: &mut Vec<Problem>,
) {
    let mut told = BTreeSet::new();
    for entry in entries.iter().filter(|entry| there.get(entry.kind, entry.id).is_none()) {
        let kind = entry.kind;
        let quota = match kind {
            Kind::LoadBalancer => limits.load_balancer_quota,
            Kind::Pool => limits.pool_quota,
            Kind::Monitor => limits.monitor_quota,
            Kind::MonitorGroup => limits.monitor_group_quota,
            Kind::DnsRecord => limits.dns_record_quota,
            Kind::Zone
            | Kind::ZoneSettings
            | Kind::NotificationWebhook
            | Kind::NotificationPolicy => None,
        };
        let exceeds = |quota| index.count(kind, &entry.place) > quota;
        if quota.is_some_and(exceeds) && told.insert((kind, counted_in(kind, &entry.place))) {
            let list = entry.pointer.rsplit_once('/').map_or("", |(list, _)| list);
            problems.push(Problem { pointer: list.to_owned(), ..Problem::quota(kind.noun()) });
        }
    }
}

/// Refuses to let go what a document that stays, and is not in the file, still names.
fn left_hanging(
    there: &Installation,
    named: &BTreeSet<(Kind, &str)>,
    gone: &BTreeSet<(Kind, &str)>,
    problems: &mut Vec<Problem>,
) {
    for (_, document) in there.documents.values() {
        let key = (document.kind(), document.id());
        if named.contains(&key) || gone.contains(&key) {
            continue;
        }
        let names: Vec<(Kind, &str)> = match document {
            Document::LoadBalancer(lb) => pools_of(lb).map(|id| (Kind::Pool, id)).collect(),
            Document::Pool(pool) => {
                let groups = monitor_groups_of(pool).map(|id| (Kind::MonitorGroup, id));
                monitors_of(pool).map(|id| (Kind::Monitor, id)).chain(groups).collect()
            }
            Document::MonitorGroup(group) => {
                monitors_of_group(group).map(|id| (Kind::Monitor, id)).collect()
            }
            Document::NotificationPolicy(policy) => {
                policy.webhooks().map(|id| (Kind::NotificationWebhook, id)).collect()
            }
            Document::Zone(_)
            | Document::ZoneSettings(_)
            | Document::Monitor(_)
            | Document::DnsRecord(_)
            | Document::NotificationWebhook(_) => Vec::new(),
        };
        if let Some((kind, id)) = names.into_iter().find(|key| gone.contains(key)) {
            let reason = format_args!(
                "{kind} {id} is not in the file, but {} \"{}\", which stays, names it",
                document.kind(),
                document.label()
            );
            problems.push(Problem::invalid("", reason));
        }
    }
}

/// Refuses DNS records that cannot stand beside each other.
fn dns_conflicts(
    steps: &[Step],
    there: &Installation,
    gone: &BTreeSet<(Kind, &str)>,
    entries: &[Entry<'_>],
    problems: &mut Vec<Problem>,
) {
    let written: BTreeMap<&str, &DnsRecord> = steps
        .iter()
        .filter_map(|step| match &step.after {
            Some(Document::DnsRecord(record)) => Some((record.id.as_str(), record)),
            _ => None,
        })
        .collect();
    // By zone and name: only those can be in each other's way.
    let mut beside: BTreeMap<(&str, &str), Vec<&DnsRecord>> = BTreeMap::new();
    let kept = there.of_kind(Kind::DnsRecord).filter_map(|(place, document)| match document {
        Document::DnsRecord(record)
            if !written.contains_key(record.id.as_str())
                && !gone.contains(&(Kind::DnsRecord, record.id.as_str())) =>
        {
            Some((place.zone.as_deref().unwrap_or_default(), record))
        }
        _ => None,
    });
    let new = steps.iter().filter_map(|step| match &step.after {
        Some(Document::DnsRecord(record)) => {
            Some((step.place.zone.as_deref().unwrap_or_default(), record))
        }
        _ => None,
    });
    let new: Vec<_> = new.collect();
    for (zone, record) in kept.chain(new.iter().copied()) {
        beside.entry((zone, record.name.as_str())).or_default().push(record);
    }
    let pointers: BTreeMap<&str, &str> = entries
        .iter()
        .filter(|entry| entry.kind == Kind::DnsRecord)
        .map(|entry| (entry.id, entry.pointer.as_str()))
        .collect();
    for (zone, record) in new {
        let others = beside.get(&(zone, record.name.as_str())).into_iter().flatten().copied();
        if let Err(problem) = dns_record::check(record, others) {
            let at = pointers.get(record.id.as_str()).copied().unwrap_or_default();
            let pointer = format!("{at}{}", problem.pointer);
            problems.push(Problem { pointer, ..problem });
        }
    }
}
