//! What a monitor's document means.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use evenkeel_model::{self as model, BodyMatch, ExpectedCodes, Method, MonitorKind};

use super::document::{Monitor, MonitorType};

/// The monitor as meant.
pub(crate) fn build(document: &Monitor) -> Result<model::Monitor, String> {
    let kind = match document.r#type {
        MonitorType::Http => http(document, false)?,
        MonitorType::Https => http(document, true)?,
        MonitorType::Tcp => MonitorKind::Tcp,
        MonitorType::UdpIcmp => MonitorKind::UdpIcmp,
        MonitorType::IcmpPing => MonitorKind::IcmpPing,
        MonitorType::Smtp => MonitorKind::Smtp,
        MonitorType::Grpc => grpc(document, false),
        MonitorType::Grpcs => grpc(document, true),
    };
    Ok(model::Monitor {
        id: document.id.parse().map_err(|error: model::IdError| error.to_string())?,
        kind,
        port: document.port,
        interval_ms: document.interval_ms(),
        timeout_ms: document.timeout_ms(),
        retries: document.retries,
        consecutive_up: document.consecutive_up,
        consecutive_down: document.consecutive_down,
    })
}

fn http(document: &Monitor, tls: bool) -> Result<MonitorKind, String> {
    let expected_codes = ExpectedCodes::parse(&document.expected_codes)
        .ok_or("expected_codes is not a list of codes")?;
    Ok(MonitorKind::Http {
        tls,
        allow_insecure: document.allow_insecure,
        method: if document.method == "HEAD" { Method::Head } else { Method::Get },
        path: document.path.clone(),
        headers: headers(document),
        expected_codes,
        expected_body: BodyMatch::new(&document.expected_body),
        follow_redirects: document.follow_redirects,
    })
}

fn grpc(document: &Monitor, tls: bool) -> MonitorKind {
    let service = document.path.trim_start_matches('/');
    MonitorKind::Grpc {
        tls,
        allow_insecure: document.allow_insecure,
        service: (!service.is_empty()).then(|| service.to_string()),
        headers: headers(document),
    }
}

fn headers(document: &Monitor) -> Vec<(String, Vec<String>)> {
    document.header.iter().map(|(name, values)| (name.to_string(), values.clone())).collect()
}
