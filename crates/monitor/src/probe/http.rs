//! The `http` and `https` monitors: one attempt, redirects included.

use evenkeel_model::{FailureReason, Method, MonitorKind};
use http::uri::PathAndQuery;
use tokio::time::{Instant, timeout_at};

use super::exchange::{Answer, Judge, exchange};
use super::site::Site;
use super::tls::Trust;
use super::{Miss, Network, Pass, dial, request};
use crate::target::Target;

/// Redirects followed within one attempt (behaviour.md U26). The answer after the last one is
/// judged, whatever it is.
const REDIRECTS_MAX: usize = 10;

/// Asks the endpoint, and whomever it points to, until the deadline. Dropping the future closes the
/// connection.
pub(crate) async fn attempt(
    network: &Network,
    target: &Target,
    deadline: Instant,
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
    } = &target.monitor().kind
    else {
        return Err(FailureReason::MonitorConfig.into());
    };
    let trust = if *allow_insecure { Trust::Anyone } else { Trust::Verify };
    let user_agent = target.user_agent();
    let mut site = first_site(target, *tls, path, headers).ok_or(FailureReason::MonitorConfig)?;
    let mut rtt = None;
    let mut redirects = 0;
    loop {
        let judge = Judge {
            codes: expected_codes,
            body: expected_body.as_ref().filter(|_| *method == Method::Get),
            follow: *follow_redirects && redirects < REDIRECTS_MAX,
        };
        let request = request::build(&site, *method, headers, &user_agent)
            .ok_or(FailureReason::MonitorConfig)?;
        let address = network.resolver.resolve(&site.address, site.port, deadline).await?;
        let started = Instant::now();
        let stream = dial::connect(address, deadline).await?;
        let answer = if site.tls {
            let name = site.server_name().ok_or(FailureReason::MonitorConfig)?;
            let stream = network.connectors.connect(stream, name, trust, deadline).await?;
            timeout_at(deadline, exchange(stream, request, judge, started)).await
        } else {
            timeout_at(deadline, exchange(stream, request, judge, started)).await
        };
        match answer.map_err(|_| Miss::TimedOut(FailureReason::HttpTimeout))?? {
            // The round trip to the endpoint is that of the first answer.
            Answer::Pass(pass) => return Ok(Pass { rtt: rtt.unwrap_or(pass.rtt), ..pass }),
            Answer::Redirect { location, first_byte } => {
                rtt.get_or_insert(first_byte.duration_since(started));
                redirects += 1;
                site = site.redirected(&location).ok_or(FailureReason::HttpInvalidResponse)?;
            }
        }
    }
}

/// The endpoint, under the name that it goes by: its own Host, else the monitor's, else its address
/// (behaviour.md 7.3). `None` when the monitor asks for what cannot be asked.
fn first_site(
    target: &Target,
    tls: bool,
    path: &str,
    headers: &[(String, Vec<String>)],
) -> Option<Site> {
    let endpoint = target.endpoint();
    let path: PathAndQuery = path.starts_with('/').then(|| path.parse().ok())??;
    let site = Site::new(tls, endpoint.address.clone(), target.port()?, path);
    let host = endpoint.host.as_deref().or_else(|| request::host_of(headers));
    Some(match host {
        Some(host) => Site { host: host.to_owned(), ..site },
        None => site,
    })
}
