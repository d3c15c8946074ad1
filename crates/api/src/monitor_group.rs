//! Monitor groups: several monitors that judge the origins of a pool together (api.md 2.4, 3.7,
//! behaviour.md 7.7). How their votes are counted is `decision`'s.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{Context, Verb};
use crate::problem::{Problem, Problems};
use crate::read::{Clipped, Node, Object, unique};
use crate::{DESCRIPTION_CHARS_MAX, body};

/// Most members of a group: each one more is a probe of every origin per interval.
const MEMBERS_MAX: usize = 16;

/// A monitor group. Has no weights: every member has one vote, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorGroup {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// Free text, at most 1024 characters; what the group goes by.
    pub description: String,
    /// 1 to 16 members in the order sent, each monitor once.
    pub members: Vec<MonitorGroupMember>,
    /// When it was created; constant.
    #[schemars(extend("readOnly" = true))]
    pub created_on: String,
    /// When it was last written.
    #[schemars(extend("readOnly" = true))]
    pub modified_on: String,
}

/// A monitor's part in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorGroupMember {
    /// Which monitor.
    pub monitor_id: String,
    /// Whether it probes at all.
    pub enabled: bool,
    /// Whether its failure alone makes an origin unhealthy.
    pub must_be_healthy: bool,
    /// Whether it probes and tells, and never votes.
    pub monitoring_only: bool,
    /// When it joined; constant. Unlike everything else not called `created_on`.
    #[schemars(extend("readOnly" = true))]
    pub created_at: String,
    /// When its part last changed.
    #[schemars(extend("readOnly" = true))]
    pub updated_at: String,
}

/// The document a request leaves behind. Replace and Patch start from `current`; without one they
/// act on an empty document. A list of members is replaced whole, but who was a member before
/// remains one since then.
///
/// # Errors
/// Everything wrong with the body, or with the document it would result in.
pub fn apply(
    verb: Verb,
    body: &[u8],
    current: Option<&MonitorGroup>,
    cx: &Context<'_>,
) -> Result<MonitorGroup, Vec<Problem>> {
    let sent = body::parse(body)?;
    let current = current.filter(|_| verb != Verb::Create);
    let whole = match current {
        Some(current) if verb == Verb::Patch => body::overlaid(current, sent, &[]),
        _ => sent,
    };
    let problems = Problems::default();
    let document = read(&Object::root(&whole, &problems), current, cx);
    problems.unless_any(document)
}

fn read(object: &Object<'_>, current: Option<&MonitorGroup>, cx: &Context<'_>) -> MonitorGroup {
    object.require("description");
    object.require("members");
    MonitorGroup {
        id: current.map_or(cx.id, |current| &current.id).to_owned(),
        description: object
            .text_within("description", 0..=DESCRIPTION_CHARS_MAX)
            .unwrap_or_default(),
        members: members(object, current.map_or(&[], |current| &current.members), cx),
        created_on: current.map_or(cx.now, |current| &current.created_on).to_owned(),
        modified_on: cx.now.to_owned(),
    }
}

fn members(
    object: &Object<'_>,
    previous: &[MonitorGroupMember],
    cx: &Context<'_>,
) -> Vec<MonitorGroupMember> {
    let items = object.items("members", "members", 1..=MEMBERS_MAX).unwrap_or_default();
    let previous: BTreeMap<_, _> =
        previous.iter().map(|member| (member.monitor_id.as_str(), member)).collect();
    unique(items, |item| {
        let sent = item.object()?;
        for name in ["monitor_id", "enabled", "must_be_healthy", "monitoring_only"] {
            sent.require(name);
        }
        let monitor_id = monitor(&sent.get("monitor_id")?, cx)?;
        let mut member = MonitorGroupMember {
            enabled: sent.boolean("enabled").unwrap_or_default(),
            must_be_healthy: sent.boolean("must_be_healthy").unwrap_or_default(),
            monitoring_only: sent.boolean("monitoring_only").unwrap_or_default(),
            created_at: cx.now.to_owned(),
            updated_at: cx.now.to_owned(),
            monitor_id,
        };
        if let Some(before) = previous.get(member.monitor_id.as_str()) {
            member.created_at.clone_from(&before.created_at);
            if member.has_the_part_of(before) {
                member.updated_at.clone_from(&before.updated_at);
            }
        }
        Some((member.monitor_id.clone(), member))
    })
}

fn monitor(node: &Node<'_>, cx: &Context<'_>) -> Option<String> {
    let id = node.text()?;
    if !cx.lookup.monitor_exists(id) {
        node.problem(format_args!("monitor \"{}\" does not exist", Clipped(id)));
    }
    Some(id.to_owned())
}

impl MonitorGroupMember {
    fn has_the_part_of(&self, other: &Self) -> bool {
        let part = |member: &Self| (member.enabled, member.must_be_healthy, member.monitoring_only);
        part(self) == part(other)
    }
}
