//! Reads a whole monitor and fills in its defaults (api.md 3.6).
//!
//! Members that mean nothing for a type are accepted, checked for their form and echoed: clients
//! send them all.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use evenkeel_model::{BodyMatch, ExpectedCodes};

use super::document::{Monitor, MonitorType};
use crate::context::{Context, Limits};
use crate::read::{Clipped, Node, Object};
use crate::{DESCRIPTION_CHARS_MAX, Map, Number, hosts};

/// Milliseconds between probes when none are asked for.
const INTERVAL_DEFAULT_MS: u32 = 60_000;
/// Longest interval, in milliseconds.
const INTERVAL_MAX_MS: u32 = 3_600_000;
/// Milliseconds an attempt may take when none are asked for and the interval is longer.
const TIMEOUT_DEFAULT_MS: u32 = 5000;
/// Longest attempt, in milliseconds.
const TIMEOUT_MAX_MS: u32 = 10_000;
/// Shortest attempt, in milliseconds, where fractions of a second are allowed: less than that, and
/// a busy machine fails its endpoints.
const TIMEOUT_MIN_MS: u32 = 10;
/// Extra attempts when none are asked for.
const RETRIES_DEFAULT: u8 = 2;
/// Most extra attempts.
const RETRIES_MAX: u32 = 5;
/// Longest request target, in characters: what any server reads.
const PATH_CHARS_MAX: usize = 2048;
/// Most headers of one probe, and most values of one header.
const HEADERS_MAX: usize = 32;
/// Longest header value, in characters.
const HEADER_CHARS_MAX: usize = 4096;
/// Longest list of status codes, in characters: every class and sixty codes.
const CODES_CHARS_MAX: usize = 256;
/// Longest zone name, in characters.
const ZONE_CHARS_MAX: usize = 253;
/// Headers that frame the probe's request, which the probe does itself.
const FRAMING: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

/// Reads the document. The result counts only when no problem was noted.
pub(super) fn read(object: &Object<'_>, current: Option<&Monitor>, cx: &Context<'_>) -> Monitor {
    let id = current.map_or(cx.id, |current| &current.id);
    // What a type that is none of ours would need nobody knows: the ping needs nothing.
    let unread = if object.has("type") { MonitorType::IcmpPing } else { MonitorType::Http };
    let r#type = object.word("type").unwrap_or(unread);
    let (interval, timeout) = clock(object, cx.limits);
    let in_a_row = |name| object.integer(name, 0..=cx.limits.consecutive_max).unwrap_or(0);
    Monitor {
        id: id.to_owned(),
        r#type,
        description: object
            .text_within("description", 0..=DESCRIPTION_CHARS_MAX)
            .unwrap_or_default(),
        method: method(object, r#type),
        path: path(object, r#type),
        header: header(object),
        port: port(object, r#type),
        interval,
        timeout,
        retries: object
            .integer("retries", 0..=RETRIES_MAX)
            .and_then(|retries| u8::try_from(retries).ok())
            .unwrap_or(RETRIES_DEFAULT),
        consecutive_up: in_a_row("consecutive_up"),
        consecutive_down: in_a_row("consecutive_down"),
        expected_codes: expected_codes(object, r#type),
        expected_body: object
            .text_within("expected_body", 0..=BodyMatch::WINDOW_BYTES)
            .unwrap_or_default(),
        follow_redirects: object.boolean("follow_redirects").unwrap_or(false),
        allow_insecure: object.boolean("allow_insecure").unwrap_or(false),
        probe_zone: object.text_within("probe_zone", 0..=ZONE_CHARS_MAX).unwrap_or_default(),
        created_on: current.map_or(cx.now, |current| &current.created_on).to_owned(),
        modified_on: cx.now.to_owned(),
    }
}

/// Interval and timeout, in seconds.
fn clock(object: &Object<'_>, limits: &Limits) -> (Number, Number) {
    let min_ms = limits.interval_min_ms;
    let grain = if min_ms < 1000 { Grain::Millisecond } else { Grain::Second };
    let interval = seconds(object, "interval", (min_ms, INTERVAL_MAX_MS), grain)
        .unwrap_or_else(|| in_seconds(INTERVAL_DEFAULT_MS.max(min_ms)));
    let interval_ms = interval.thousandths();
    let timeout_min_ms = match grain {
        Grain::Second => 1000,
        Grain::Millisecond => TIMEOUT_MIN_MS,
    };
    let timeout = seconds(object, "timeout", (timeout_min_ms, TIMEOUT_MAX_MS), grain);
    let timeout = timeout.unwrap_or_else(|| {
        let fitting = match interval_ms {
            // Too short to leave a whole second to the attempt.
            0..2000 if grain == Grain::Millisecond => interval_ms / 2,
            _ => interval_ms.saturating_sub(1000).max(1000),
        };
        in_seconds(TIMEOUT_DEFAULT_MS.min(fitting))
    });
    if timeout.thousandths() >= interval_ms {
        object.problem_at("timeout", format_args!("timeout must be less than interval"));
    }
    (interval, timeout)
}

/// How finely times can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grain {
    /// As published.
    Second,
    /// Where the installation's shortest interval is below a second.
    Millisecond,
}

/// A time in seconds, its bounds in milliseconds.
fn seconds(
    object: &Object<'_>,
    name: &'static str,
    (min_ms, max_ms): (u32, u32),
    grain: Grain,
) -> Option<Number> {
    let bounds = f64::from(min_ms) / 1000.0..=f64::from(max_ms) / 1000.0;
    let number = object.number(name, bounds)?;
    match grain {
        Grain::Second if number.whole().is_none() => {
            let reason = format_args!(
                "{name} must be a whole number: this server allows no interval below a second"
            );
            object.problem_at(name, reason);
            None
        }
        Grain::Millisecond if in_seconds(number.thousandths()) != number => {
            object.problem_at(name, format_args!("{name} must be a multiple of 0.001"));
            None
        }
        _ => Some(number),
    }
}

fn in_seconds(ms: u32) -> Number {
    Number::new(f64::from(ms) / 1000.0).unwrap_or(Number::ONE)
}

/// The words of HTTP for http(s). Elsewhere the method has no effect and any known word passes. The
/// empty text is filled in.
fn method(object: &Object<'_>, r#type: MonitorType) -> String {
    let method = object.text("method").filter(|method| !method.is_empty());
    let method = method.unwrap_or(r#type.method_default());
    match method {
        "GET" | "HEAD" | "" => {}
        "connection_established" if !r#type.is_http() => {}
        _ if r#type.is_http() => {
            object.problem_at("method", format_args!("method must be one of GET, HEAD"));
        }
        _ => {
            let word = MonitorType::Tcp.method_default();
            object.problem_at("method", format_args!("method must be {word}"));
        }
    }
    method.to_owned()
}

/// A request target in origin form, able to stand in a request line as it is.
fn path(object: &Object<'_>, r#type: MonitorType) -> String {
    let path = object.text_within("path", 0..=PATH_CHARS_MAX).filter(|path| !path.is_empty());
    let path = path.unwrap_or_else(|| r#type.path_default().to_owned());
    if !path.is_empty() && !path.starts_with('/') {
        object.problem_at("path", format_args!("path must start with /"));
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = format_args!("path must be percent-encoded and without spaces");
        object.problem_at("path", reason);
    }
    path
}

fn port(object: &Object<'_>, r#type: MonitorType) -> u16 {
    let port = object.integer("port", 0..=65_535).and_then(|port| u16::try_from(port).ok());
    if r#type.needs_port() && matches!(port, None | Some(0)) {
        let word = r#type.as_str();
        object.problem_at("port", format_args!("port is required for type {word}"));
    }
    port.unwrap_or(0)
}

fn expected_codes(object: &Object<'_>, r#type: MonitorType) -> String {
    let codes = object.text_within("expected_codes", 0..=CODES_CHARS_MAX).unwrap_or_default();
    if codes.is_empty() {
        if r#type.is_http() {
            let word = r#type.as_str();
            let reason = format_args!("expected_codes is required for type {word}");
            object.problem_at("expected_codes", reason);
        }
    } else if ExpectedCodes::parse(&codes).is_none() {
        let reason =
            format_args!("expected_codes must be a comma list of codes such as 200 or 2xx");
        object.problem_at("expected_codes", reason);
    }
    codes
}

/// Request headers: names and values that cannot become anything else on the wire.
fn header(object: &Object<'_>) -> Map<Vec<String>> {
    let Some(header) = object.object("header") else { return Map::default() };
    if header.members().count() > HEADERS_MAX {
        header.problem(format_args!("at most {HEADERS_MAX} headers are allowed"));
        return Map::default();
    }
    let entry = |(name, node): (&String, Node<'_>)| {
        check_name(&node, name);
        let values = node.items(name, 0..=HEADERS_MAX)?;
        let is_host = name.eq_ignore_ascii_case("host");
        if is_host && values.len() > 1 {
            node.problem(format_args!("header Host must have one value"));
        }
        let values = values.iter().filter_map(|value| {
            let text = value.text_within(0..=HEADER_CHARS_MAX)?;
            if text.chars().any(|c| c.is_control() && c != '\t') {
                value.problem(format_args!("header values must not contain control characters"));
            } else if is_host && !is_authority(&text) {
                value.problem(format_args!("header Host must be a host name"));
            }
            Some(text)
        });
        Some((name.clone(), values.collect()))
    };
    header.members().filter_map(entry).collect()
}

fn check_name(node: &Node<'_>, name: &str) {
    if !is_token(name) || name.len() > HEADER_CHARS_MAX {
        node.problem(format_args!("\"{}\" is not a header name", Clipped(name)));
    } else if name.eq_ignore_ascii_case("user-agent") {
        node.problem(format_args!("header User-Agent cannot be set"));
    } else if FRAMING.iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
        node.problem(format_args!("header {name} cannot be set"));
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_tchar)
}

/// A host name or address, and maybe a port.
fn is_authority(text: &str) -> bool {
    let is_host = |host: &str| {
        let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        literal.is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok())
            || host.parse::<Ipv4Addr>().is_ok()
            || hosts::name(host).is_some()
    };
    match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            is_host(host) && port.parse::<u16>().is_ok()
        }
        _ => is_host(text),
    }
}
