//! What is answered: how it ends, and the same for people to read.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use evenkeel_decision::{Answer, Answered, Env, Plan, Step, Unavailable};
use evenkeel_model::{EndpointIx, FixedResponse, View};
use serde::Serialize;

use super::NameAnswer;
use super::steps::Note;

/// Why a request would go where.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    /// Of the view that was decided on; `evenkeel_view_revision` in the metrics.
    pub(super) revision: u64,
    pub(super) client: Who,
    pub(super) steps: Vec<Note>,
    pub(super) outcome: Outcome,
    /// Over all repetitions, most frequent first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) distribution: Option<Vec<Share>>,
    /// The steps on one line, as logs have them.
    pub(super) trail: String,
    /// All of it in words.
    pub(super) text: String,
}

/// Who is taken to ask, and where that is.
#[derive(Debug, Serialize)]
pub(super) struct Who {
    pub(super) address: IpAddr,
    pub(super) country: Option<String>,
    pub(super) region: Option<String>,
    pub(super) asn: Option<u32>,
}

/// How it ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Outcome {
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<String>,
    /// Whether the pool serves as the fallback.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fallback: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// Where the endpoint is dialled.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Whether the answer would begin or move a session by cookie.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sets_cookie: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The error code of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The code that a query is answered with, where the name server answers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rcode: Option<String>,
    /// Addresses, or the name of a CNAME, that a query is answered with; or what other records say.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<String>>,
    /// The records whole, as in a zone file, where the name server answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_s: Option<u32>,
    /// Prefix length of the client subnet that the answer is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<u8>,
}

/// What would be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// An endpoint answers.
    Forward,
    /// A fixed response answers.
    Respond,
    /// The proxy's own error page answers.
    #[default]
    Refuse,
    /// A query is answered.
    Answer,
}

impl Outcome {
    pub(super) fn of_plan(plan: &Plan<'_>, env: &mut Env<'_>) -> Self {
        let view = plan.view();
        let target = match plan.step() {
            Step::Dial(target) => target,
            Step::GiveUp(why) => {
                return Self {
                    status: Some(why.status()),
                    code: why.error_code(),
                    reason: Some(why.to_string()),
                    ..Self::default()
                };
            }
        };
        let endpoint = view.config.endpoint(target.endpoint);
        Self {
            action: Action::Forward,
            pool: Some(view.config.pool(target.pool).name.clone()),
            fallback: target.fallback,
            endpoint: Some(endpoint.name.clone()),
            address: Some(place(view, target.endpoint)),
            sets_cookie: plan.answered(env).is_some(),
            ..Self::default()
        }
    }

    pub(super) fn of_response(response: &FixedResponse) -> Self {
        Self { action: Action::Respond, status: Some(response.status), ..Self::default() }
    }

    pub(super) fn of_refusal(reason: Unavailable) -> Self {
        Self {
            status: Some(reason.status()),
            code: Some(reason.error_code()),
            reason: Some(reason.to_string()),
            ..Self::default()
        }
    }

    pub(super) fn of_answer(view: &View, answer: &Answer<'_>) -> Self {
        let address = |ix: &EndpointIx| view.config.endpoint(*ix).address.to_string();
        let (records, reason) = match &answer.answered {
            Answered::Endpoints(endpoints) => (endpoints.iter().map(address).collect(), None),
            Answered::Name(endpoint) => (vec![address(endpoint)], None),
            Answered::Edge => (Vec::new(), Some("the addresses of the proxy")),
            Answered::OtherRecords => (Vec::new(), Some("ordinary records of the zone answer")),
            Answered::Empty => (Vec::new(), Some("no records")),
        };
        Self {
            action: Action::Answer,
            records: Some(records),
            reason: reason.map(str::to_owned),
            ttl_s: Some(answer.ttl_s),
            scope: Some(answer.scope),
            ..Self::default()
        }
    }

    /// What the name server says: the records are those of the last name, to which CNAME records
    /// led.
    pub(super) fn of_name_answer(answer: &NameAnswer) -> Self {
        let NameAnswer { rcode, scope, records } = answer;
        let last = records.last().map(|record| (&record.owner, &record.rtype));
        let of_last = records.iter().filter(|record| Some((&record.owner, &record.rtype)) == last);
        let bare = |data: &str| {
            data.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(data).to_owned()
        };
        let reason = match (rcode.as_str(), records.is_empty()) {
            ("NOERROR", false) => None,
            ("NOERROR", true) => Some("no records".to_owned()),
            ("NXDOMAIN", _) => Some("there is no such name (NXDOMAIN)".to_owned()),
            ("REFUSED", _) => Some("the name lies in no zone of this server (REFUSED)".to_owned()),
            (rcode, _) => Some(rcode.to_owned()),
        };
        let line = |record: &super::NameRecord| {
            format!("{} {} IN {} {}", record.owner, record.ttl_s, record.rtype, record.data)
        };
        Self {
            action: Action::Answer,
            reason,
            rcode: Some(rcode.clone()),
            records: Some(of_last.map(|record| bare(&record.data)).collect()),
            answer: Some(records.iter().map(line).collect()),
            ttl_s: records.iter().map(|record| record.ttl_s).min(),
            scope: Some(*scope),
            ..Self::default()
        }
    }

    pub(super) fn of_no_query() -> Self {
        let reason = "the name is none, or the type asks for more than records";
        Self { action: Action::Answer, reason: Some(reason.to_owned()), ..Self::default() }
    }

    /// In words, on one line.
    fn text(&self) -> String {
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        match self.action {
            Action::Forward => {
                let role = if self.fallback { " (fallback)" } else { "" };
                let cookie = if self.sets_cookie { ", and sets a session cookie" } else { "" };
                let (pool, endpoint) = (word(&self.pool), word(&self.endpoint));
                let address = word(&self.address);
                format!("forward to endpoint {endpoint} ({address}) of pool {pool}{role}{cookie}")
            }
            Action::Respond => format!("fixed response {}", self.status.unwrap_or_default()),
            Action::Refuse => {
                let status = self.status.unwrap_or_default();
                let code = self.code.map(|code| format!(" (error {code})")).unwrap_or_default();
                format!("refuse with {status}{code}: {}", word(&self.reason))
            }
            Action::Answer => match (&self.reason, &self.records) {
                (Some(reason), _) => format!("answer: {reason}"),
                (None, records) => {
                    format!("answer: {}", records.clone().unwrap_or_default().join(" "))
                }
            },
        }
    }
}

/// Where an endpoint is dialled, with the port if it has one of its own.
fn place(view: &View, endpoint: EndpointIx) -> String {
    let endpoint = view.config.endpoint(endpoint);
    match (&endpoint.address, endpoint.port) {
        (address, 0) => address.to_string(),
        (evenkeel_model::Address::Ip(IpAddr::V6(v6)), port) => format!("[{v6}]:{port}"),
        (address, port) => format!("{address}:{port}"),
    }
}

/// How often one way of ending came about.
#[derive(Debug, Serialize)]
pub(super) struct Share {
    outcome: Outcome,
    count: u32,
    /// Of all, 0 to 1.
    share: f64,
    /// How it ends, in words.
    text: String,
}

impl Share {
    pub(super) fn of(counts: BTreeMap<Outcome, u32>) -> Vec<Self> {
        let total: u32 = counts.values().sum();
        let share = |(outcome, count): (Outcome, u32)| {
            let share = f64::from(count) / f64::from(total.max(1));
            Self { text: outcome.text(), outcome, count, share }
        };
        let mut shares: Vec<_> = counts.into_iter().map(share).collect();
        shares.sort_by_key(|share| std::cmp::Reverse(share.count));
        shares
    }
}

/// All of it in words: a line for who asks, one for each step, and one for how it ends.
pub(super) fn text(who: &Who, steps: &[Note], outcome: &Outcome) -> String {
    let mut text = format!("client {}", who.address);
    for (name, value) in [("country", &who.country), ("region", &who.region)] {
        if let Some(value) = value {
            write!(text, ", {name} {value}").expect("writing to a String cannot fail");
        }
    }
    if let Some(asn) = who.asn {
        write!(text, ", AS{asn}").expect("writing to a String cannot fail");
    }
    for (n, step) in (1..).zip(steps) {
        write!(text, "\n{n:3}  {}", step.text).expect("writing to a String cannot fail");
    }
    write!(text, "\n ->  {}\n", outcome.text()).expect("writing to a String cannot fail");
    text
}
