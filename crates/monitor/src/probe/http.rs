//! The `http` and `https` monitors: one attempt, redirects included.

use evenkeel_model::{FailureReason, Method, MonitorKind};
use http::uri::PathAndQuery;
use tokio::time::Instant;

use super::exchange::{Answer, Judge, exchange};
use super::site::Site;
use super::tls::{Speaks, Tls, Trust};
use super::{Attempt, Miss, Pass, Prober, dial, impossible, request};
use crate::ask::Ask;

/// Redirects followed within one attempt (behaviour.md U26). The answer after the last one is
/// judged, whatever it is.
const REDIRECTS_MAX: usize = 10;

/// Asks the endpoint, and whomever it points to, until the deadline. Dropping the future closes the
/// connection.
pub(crate) async fn attempt(
    prober: &Prober,
    ask: &Ask<'_>,
    attempt: Attempt<'_>,
) -> Result<Pass, Miss> {
    let MonitorKind::Http {
        tls,
        allow_insecure,
        method,
        path,
        headers,
        expected_codes,
        expected_body,
        follow_redirects,
    } = &ask.monitor.kind
    else {
        return Err(FailureReason::MonitorConfig.into());
    };
    let trust = Trust::new(*allow_insecure);
    let user_agent = ask.user_agent();
    let mut site = first_site(ask, *tls, path, headers)
        .ok_or_else(|| impossible(attempt, "the path is not one"))?;
    let mut rtt = None;
    let mut redirects = 0;
    loop {
        let judge = Judge {
            codes: expected_codes,
            body: expected_body.as_ref().filter(|_| *method == Method::Get),
            follow: *follow_redirects && redirects < REDIRECTS_MAX,
        };
        let request = request::build(&site, *method, headers, &user_agent)
            .ok_or_else(|| impossible(attempt, "a header cannot be sent"))?;
        let name = if site.tls { Some(site.certified_name(attempt)?) } else { None };
        let address = prober.resolver.resolve(site.place(ask), attempt).await?;
        let started = Instant::now();
        let stream = dial::connect(address, attempt).await?;
        let late = FailureReason::HttpTimeout;
        let answer = match name {
            Some(name) => {
                let tls = Tls { name, trust, speaks: Speaks::Http1 };
                let stream = prober.connectors.connect(stream, tls, attempt).await?;
                attempt.within(late, exchange(stream, request, judge, started, attempt)).await??
            }
            None => {
                attempt.within(late, exchange(stream, request, judge, started, attempt)).await??
            }
        };
        match answer {
            // The round trip to the endpoint is that of the first answer.
            Answer::Pass(pass) => return Ok(Pass { rtt: rtt.unwrap_or(pass.rtt), ..pass }),
            Answer::Redirect { location, first_byte } => {
                rtt.get_or_insert(first_byte.duration_since(started));
                redirects += 1;
                site = site.redirected(&location).ok_or_else(|| {
                    attempt.trace.because(&format_args!("redirected to {location}"));
                    FailureReason::HttpInvalidResponse
                })?;
                attempt.trace.done(|| format!("redirected to {location}"));
            }
        }
    }
}

/// The endpoint, under the name that it goes by: its own Host, else the monitor's, else its address
/// (behaviour.md 7.3). `None` when the monitor asks for what cannot be asked.
pub(crate) fn first_site(
    ask: &Ask<'_>,
    tls: bool,
    path: &str,
    headers: &[(String, Vec<String>)],
) -> Option<Site> {
    let path: PathAndQuery = path.starts_with('/').then(|| path.parse().ok())??;
    let site = Site::new(tls, ask.address.clone(), ask.port()?, path);
    let host = ask.host.or_else(|| request::host_of(headers));
    Some(match host {
        Some(host) => Site { host: host.to_owned(), ..site },
        None => site,
    })
}
