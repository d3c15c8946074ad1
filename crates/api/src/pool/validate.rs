//! Reads a whole pool and fills in its defaults (api.md 3.4).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::document::{
    FilterOptions, LoadShedding, NotificationFilter, OriginSteering, OriginSteeringPolicy, Pool,
    SheddingPolicy, SheddingSessionPolicy,
};
use super::origin;
use crate::context::Context;
use crate::read::{Clipped, Node, Object};
use crate::words::CheckRegion;
use crate::{DESCRIPTION_CHARS_MAX, Number};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 255;
/// Longest list of addresses to tell, in characters.
const NOTIFICATION_EMAIL_CHARS_MAX: usize = 4096;
/// Largest `minimum_origins`: what a signed 32-bit number holds, as clients' integers are. It may
/// exceed the number of origins; the pool is then critical until more are added.
const MINIMUM_ORIGINS_MAX: u32 = 2_147_483_647;
/// The one list `health_sources` may hold.
const HEALTH_SOURCES: [&str; 2] = ["regional", "global"];

/// Reads the document. The result counts only when no problem was noted.
pub(super) fn read(object: &Object<'_>, current: Option<&Pool>, cx: &Context<'_>) -> Pool {
    let id = current.map_or(cx.id, |current| &current.id);
    object.require("name");
    object.require("origins");
    let enabled = object.boolean("enabled").unwrap_or(true);
    let since = current.and_then(|current| current.disabled_at.as_deref());
    let (monitor, monitor_group) = monitors(object, cx);
    let check_regions = object.words("check_regions");
    let monitored = monitor.is_some() || monitor_group.is_some();
    if monitored && !cx.limits.every_data_centre_allowed && is_everywhere(check_regions.as_deref())
    {
        let reason = format_args!(
            "Probing from every data centre is not allowed with this subscription. Please choose regions to probe from."
        );
        object.problem_at("check_regions", reason);
    }
    let (latitude, longitude) = coordinates(object);
    Pool {
        id: id.to_owned(),
        name: name(object, current, cx),
        description: object
            .text_within("description", 0..=DESCRIPTION_CHARS_MAX)
            .unwrap_or_default(),
        enabled,
        disabled_at: (!enabled).then(|| since.unwrap_or(cx.now).to_owned()),
        minimum_origins: object.integer("minimum_origins", 0..=MINIMUM_ORIGINS_MAX).unwrap_or(1),
        monitor,
        monitor_group,
        health_sources: health_sources(object, check_regions.as_deref()),
        check_regions,
        latitude,
        longitude,
        load_shedding: object.object("load_shedding").map(|object| load_shedding(&object)),
        origin_steering: object.object("origin_steering").map(|object| OriginSteering {
            policy: object.word("policy").unwrap_or(OriginSteeringPolicy::Random),
        }),
        notification_filter: object.object("notification_filter").map(|object| {
            NotificationFilter {
                origin: filter_options(&object, "origin"),
                pool: filter_options(&object, "pool"),
            }
        }),
        notification_email: object
            .text_within("notification_email", 0..=NOTIFICATION_EMAIL_CHARS_MAX)
            .unwrap_or_default(),
        networks: vec!["cloudflare".to_owned()],
        created_on: current.map_or(cx.now, |current| &current.created_on).to_owned(),
        modified_on: cx.now.to_owned(),
        healthy: None,
        origins: origin::read(object, current.map_or(&[], |current| &current.origins), cx),
    }
}

fn name(object: &Object<'_>, current: Option<&Pool>, cx: &Context<'_>) -> String {
    let Some(name) = object.text_within("name", 1..=NAME_CHARS_MAX) else { return String::new() };
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        let reason = format_args!("name may only contain letters, digits, - and _");
        object.problem_at("name", reason);
    } else if cx.lookup.pool_name_taken(&name, current.map(|current| current.id.as_str())) {
        object.not_unique_at("name");
    }
    name
}

/// The monitor or the monitor group; the empty text detaches.
fn monitors(object: &Object<'_>, cx: &Context<'_>) -> (Option<String>, Option<String>) {
    let read = |name, exists: &dyn Fn(&str) -> bool| {
        let id = object.text(name).filter(|id| !id.is_empty())?;
        if !exists(id) {
            let reason = format_args!("{name} \"{}\" does not exist", Clipped(id));
            object.problem_at(name, reason);
        }
        Some(id.to_owned())
    };
    let monitor = read("monitor", &|id| cx.lookup.monitor_exists(id));
    let group = read("monitor_group", &|id| cx.lookup.monitor_group_exists(id));
    if monitor.is_some() && group.is_some() {
        let reason = format_args!("monitor_group is not allowed with monitor");
        object.problem_at("monitor_group", reason);
    }
    (monitor, group)
}

fn is_everywhere(regions: Option<&[CheckRegion]>) -> bool {
    regions.is_none_or(|regions| regions.is_empty() || regions.contains(&CheckRegion::AllRegions))
}

fn health_sources(
    object: &Object<'_>,
    check_regions: Option<&[CheckRegion]>,
) -> Option<Vec<String>> {
    let items = object.items("health_sources", "health_sources", 0..=HEALTH_SOURCES.len())?;
    let sources: Vec<_> = items.iter().filter_map(Node::text).collect();
    if sources != HEALTH_SOURCES {
        let reason = format_args!("health_sources must be null or [\"regional\", \"global\"]");
        object.problem_at("health_sources", reason);
    } else if check_regions.is_none_or(<[_]>::is_empty) {
        object.problem_at("health_sources", format_args!("health_sources needs check_regions"));
    }
    Some(sources.into_iter().map(ToOwned::to_owned).collect())
}

/// Both or neither; 0 is a place.
fn coordinates(object: &Object<'_>) -> (Option<Number>, Option<Number>) {
    for (one, other) in [("latitude", "longitude"), ("longitude", "latitude")] {
        if object.has(one) && !object.has(other) {
            object.problem_at(other, format_args!("{other} is required with {one}"));
        }
    }
    (object.number("latitude", -90.0..=90.0), object.number("longitude", -180.0..=180.0))
}

fn load_shedding(object: &Object<'_>) -> LoadShedding {
    LoadShedding {
        default_percent: object.number("default_percent", 0.0..=100.0).unwrap_or(Number::ZERO),
        default_policy: object.word("default_policy").unwrap_or(SheddingPolicy::Random),
        session_percent: object.number("session_percent", 0.0..=100.0).unwrap_or(Number::ZERO),
        session_policy: object.word("session_policy").unwrap_or(SheddingSessionPolicy::Hash),
    }
}

fn filter_options<'a>(object: &Object<'a>, name: &'a str) -> Option<Option<FilterOptions>> {
    if object.has_null(name) {
        return Some(None);
    }
    let object = object.object(name)?;
    let healthy =
        if object.has_null("healthy") { Some(None) } else { object.boolean("healthy").map(Some) };
    Some(Some(FilterOptions { disable: object.boolean("disable").unwrap_or(false), healthy }))
}
