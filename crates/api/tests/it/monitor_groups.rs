//! Monitor groups: what is accepted, since when members are members, and what is refused.

use evenkeel_api::MonitorGroup;
use evenkeel_api::references::monitors_of_group;
use serde_json::{Value, json};

use crate::world::{EARLY, LATE, MONITOR, NEW, OTHER_MONITOR, Resource, created, echoed, refused};

fn member(monitor: &str) -> Value {
    json!({"monitor_id": monitor, "enabled": true, "must_be_healthy": true, "monitoring_only": false})
}

#[test]
fn the_answer_is_what_was_sent_and_when() {
    let group: MonitorGroup = created(json!({"description": "checkout", "id": "x",
        "created_on": LATE, "members": [
            {"monitor_id": OTHER_MONITOR, "enabled": false, "must_be_healthy": false,
                "monitoring_only": true, "created_at": LATE, "weight": 2},
            member(MONITOR)]}));
    assert_eq!(
        group.answer(),
        json!({"id": NEW, "description": "checkout", "members": [
            {"monitor_id": OTHER_MONITOR, "enabled": false, "must_be_healthy": false,
                "monitoring_only": true, "created_at": EARLY, "updated_at": EARLY},
            {"monitor_id": MONITOR, "enabled": true, "must_be_healthy": true,
                "monitoring_only": false, "created_at": EARLY, "updated_at": EARLY}],
            "created_on": EARLY, "modified_on": EARLY})
    );
    assert_eq!(monitors_of_group(&group).collect::<Vec<_>>(), [OTHER_MONITOR, MONITOR]);
    echoed::<MonitorGroup>(vec![(json!({"description": ""}), json!({"description": ""}))]);
}

#[test]
fn who_stays_a_member_is_one_since_then() {
    let before: MonitorGroup = created(json!({"members": [member(MONITOR)]}));
    let mut changed = member(MONITOR);
    changed["enabled"] = json!(false);
    for (members, times) in [
        (json!([member(MONITOR)]), vec![(EARLY, EARLY)]),
        (json!([changed]), vec![(EARLY, LATE)]),
        (json!([member(OTHER_MONITOR), member(MONITOR)]), vec![(LATE, LATE), (EARLY, EARLY)]),
        (json!([member(OTHER_MONITOR)]), vec![(LATE, LATE)]),
    ] {
        let put = before.replace(json!({"description": "d", "members": members})).unwrap();
        let patched = before.patch(json!({ "members": members })).unwrap();
        for after in [&put, &patched] {
            let now = after.members.iter();
            let found: Vec<_> =
                now.map(|m| (m.created_at.as_str(), m.updated_at.as_str())).collect();
            assert_eq!(found, times, "{members:?}");
            assert_eq!((after.created_on.as_str(), after.modified_on.as_str()), (EARLY, LATE));
        }
    }
}

#[test]
fn a_patch_may_leave_either_member_out() {
    let before: MonitorGroup = created(json!({"description": "d"}));
    let renamed = before.patch(json!({"description": "e"})).unwrap();
    assert_eq!(
        renamed,
        MonitorGroup { description: "e".into(), modified_on: LATE.into(), ..before.clone() }
    );
    let moved = before.patch(json!({"members": [member(OTHER_MONITOR)]})).unwrap();
    assert_eq!((moved.description.as_str(), moved.members.len()), ("d", 1));
    for name in ["description", "members"] {
        before.patch(json!({ name: null })).unwrap_err();
    }
}

#[test]
fn mistakes_are_named_where_they_are() {
    let many: Vec<_> = (0..17).map(|n| member(&format!("{n:032x}"))).collect();
    refused::<MonitorGroup>(vec![
        (
            json!({"description": null, "members": null}),
            &[
                "/description: description is required: validation failed",
                "/members: members is required: validation failed",
            ],
        ),
        (
            json!({"description": "ü".repeat(1025)}),
            &["/description: the description length must be in range [0, 1024]: validation failed"],
        ),
        (
            json!({"members": []}),
            &["/members: the members list length must be in range [1, 16]: validation failed"],
        ),
        (
            json!({ "members": many }),
            &["/members: the members list length must be in range [1, 16]: validation failed"],
        ),
        (json!({"members": {}}), &["/members: members must be a list: validation failed"]),
        (json!({"members": [7]}), &["/members/0: members must be an object: validation failed"]),
        (json!({"members": [member(MONITOR), member(MONITOR)]}), &["/members/1: value not unique"]),
        (
            json!({"members": [{"monitor_id": "nobody"}]}),
            &[
                "/members/0/enabled: enabled is required: validation failed",
                "/members/0/must_be_healthy: must_be_healthy is required: validation failed",
                "/members/0/monitoring_only: monitoring_only is required: validation failed",
                "/members/0/monitor_id: monitor \"nobody\" does not exist: validation failed",
            ],
        ),
        (
            json!({"members": [{"monitor_id": 7, "enabled": "true", "must_be_healthy": 1,
                "monitoring_only": []}]}),
            &["/members/0/monitor_id: monitor_id must be a string: validation failed"],
        ),
        (
            json!({"members": [{"monitor_id": MONITOR, "enabled": "true", "must_be_healthy": 1,
                "monitoring_only": []}]}),
            &[
                "/members/0/enabled: enabled must be true or false: validation failed",
                "/members/0/must_be_healthy: must_be_healthy must be true or false: validation failed",
                "/members/0/monitoring_only: monitoring_only must be true or false: validation failed",
            ],
        ),
    ]);
}
