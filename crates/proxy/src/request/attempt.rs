//! One attempt on one endpoint: a connection, the request as that endpoint gets it, and what a
//! failure leaves to be done.
//!
//! On the request path.

use std::net::SocketAddr;
use std::time::Duration;

use evenkeel_decision::passive::Evidence;
use evenkeel_decision::{DialFailure, Plan, Target};
use evenkeel_h1::Body;
use evenkeel_model::{Address, AffinityKind, EndpointIx, LoadBalancer, RuleAction};
use evenkeel_net::proxy_protocol;

use super::Request;
use crate::arrival::Security;
use crate::downstream::After;
use crate::exchange::{Broken, body_from};
use crate::gate;
use crate::grpc;
use crate::head::request as request_head;
use crate::head::request::Forwarding;
use crate::outliers::OutlierTable;
use crate::refusal::Refusal;
use crate::relay::pump::{BodyTo, Pump};
use crate::settings::{CleartextHttp2, ProxyProtocol};
use crate::transport::{Sink, Transport};
use crate::upstream::{self, Circumstances, Connection, Literal, Personal, Route, has_credentials};

/// How an attempt on one endpoint ended.
pub(super) enum Attempt {
    /// The response is out.
    Answered(After),
    /// The endpoint's name does not resolve.
    Unresolved,
    /// No connection came about, or one on which nothing arrived.
    Failed(DialFailure),
    /// The request may be sent again on a fresh connection: a reused one was closed, or the endpoint
    /// has not acted on it.
    Stale,
    /// The request was sent, or the client broke it, and there is no way on.
    Refused(Refusal),
    /// The client is gone.
    ClientGone,
}

impl<D: Transport> Request<'_, D> {
    /// One attempt on one endpoint. `upload` holds the request as it goes up, from the first
    /// attempt that gets a connection on; `fresh` asks for a new connection.
    pub(super) async fn attempt(
        &mut self,
        plan: &Plan<'_>,
        target: Target,
        upload: &mut Option<Pump>,
        fresh: bool,
    ) -> Attempt {
        let endpoint = self.view.config.endpoint(target.endpoint);
        let load_balancer = self.view.config.load_balancer(plan.load_balancer());
        let security = self.visitor.arrival.security(&load_balancer.edge);
        self.account.turn_to(self.worker, &self.view.config, target, &self.downstream.meter);
        let Some(address) = upstream::locate(self.worker, endpoint, security).await else {
            self.account.unresolved();
            return Attempt::Unresolved;
        };
        self.account.located(address, matches!(endpoint.address, Address::Name(_)));
        let introduction = self.introduction();
        let mut literal = Literal::default();
        let circumstances = Circumstances {
            security,
            load_balancer,
            endpoint,
            name: match security {
                Security::Plain => "",
                Security::Unchecked | Security::Checked => {
                    upstream::name_of(endpoint, &mut literal)
                }
            },
            requested: self.host,
            introduction: &introduction,
            wants_http1: self.wants_http1(security),
            wants_cleartext_http2: self.wants_cleartext_http2(),
        };
        let fingerprints = self.worker.idle.fingerprints();
        let outbound = &self.worker.shared.outbound;
        let route = Route::new(address, &circumstances, fingerprints, outbound);
        let key = route.key;
        let loads = &self.worker.shared.loads;
        let now = || self.worker.now();
        let mut in_flight = loads.request(&self.view.config, target.endpoint, now);
        let mut connection = match self.connect(target.endpoint, &route, fresh).await {
            Ok(connection) => connection,
            Err(failure) => {
                self.account.connect_failed(failure.as_str());
                in_flight.met(Some(Evidence::ConnectFailed));
                if let Some(outliers) = &self.worker.shared.outliers {
                    self.witness(outliers, target.endpoint, Evidence::ConnectFailed);
                }
                return Attempt::Failed(failure);
            }
        };
        self.account.connected(&connection);
        let is_framed = connection.io.frames_messages();
        let upload = match upload {
            Some(upload) if upload.is_framed() == is_framed => {
                let head = self.request_head(plan, endpoint.host.as_deref());
                self.worker.buffers.give_scratch(upload.take_storage());
                upload.replace_head(head);
                upload
            }
            Some(upload) if upload.is_framed() && upload.has_all() => {
                let head = self.request_head(plan, endpoint.host.as_deref());
                self.worker.buffers.give_scratch(upload.take_storage());
                upload.reframe(head, self.body_to(false));
                upload
            }
            // A part of the body is framed for another protocol already.
            Some(_) => return Attempt::Refused(Refusal::BAD_RESPONSE),
            None => upload.insert(self.request_message(plan, endpoint.host.as_deref(), is_framed)),
        };
        let mut fields = self.worker.take_fields();
        in_flight.dispatched(self.has_body_at_hand());
        let outcome =
            self.converse(plan, target, &mut in_flight, upload, &mut connection, &mut fields).await;
        self.worker.give_fields(fields);
        let (response, after) = match outcome {
            Ok(answered) => answered,
            Err(Broken::ClientGone) => return Attempt::ClientGone,
            Err(Broken::Refused(refusal)) => return Attempt::Refused(refusal),
            Err(Broken::Stale) => {
                self.worker.idle.note_loss(key);
                let may_repeat = !upload.has_written() || self.head.method_kind.is_idempotent();
                if fresh || !may_repeat || !upload.can_rewind() {
                    return Attempt::Refused(Refusal::BAD_RESPONSE);
                }
                upload.rewind();
                return Attempt::Stale;
            }
            Err(broken @ (Broken::Unprocessed | Broken::WantsHttp1)) => {
                self.wants_http1 |= matches!(broken, Broken::WantsHttp1);
                if fresh || !upload.can_rewind() {
                    return Attempt::Refused(Refusal::BAD_RESPONSE);
                }
                upload.rewind();
                return Attempt::Stale;
            }
            Err(Broken::Reset) => {
                // From an endpoint that is just losing its connections, it is a late refusal.
                let may_repeat = self.head.method_kind.is_idempotent() && upload.can_rewind();
                return if may_repeat && self.worker.idle.has_lost(key) {
                    upload.rewind();
                    Attempt::Failed(DialFailure::Refused)
                } else {
                    Attempt::Refused(Refusal::BAD_RESPONSE)
                };
            }
            Err(Broken::Unacknowledged) => {
                let may_repeat = self.head.method_kind.is_idempotent() && upload.can_rewind();
                return if may_repeat {
                    upload.rewind();
                    Attempt::Failed(DialFailure::TimedOut)
                } else {
                    Attempt::Refused(Refusal::UNACKNOWLEDGED)
                };
            }
        };
        // A stream ends with its request; its connection goes on by itself.
        let is_clean = response.keep_alive
            && !is_framed
            && !response.upgrade
            && after != After::Reset
            && upload.is_done()
            && connection.input.is_empty();
        if is_clean {
            connection.input.release(&self.worker.buffers);
            let promised = response.keep_alive_timeout_s.map(|s| Duration::from_secs(s.into()));
            let revision = self.view.revision;
            let idle = &self.worker.idle;
            if connection.is_personal || has_credentials(self.head_bytes(), self.fields) {
                connection.is_personal = true;
                let limit = idle.time_to_keep(promised);
                self.downstream.personal = Some(Personal::new(key, connection, limit));
            } else if let Some(cells) = self.account.endpoint_cells() {
                idle.put(key, endpoint.id, connection, promised, revision, cells);
            }
        }
        Attempt::Answered(after)
    }

    /// The client's own connection if it has one, else one that everybody may use.
    async fn connect(
        &mut self,
        endpoint: EndpointIx,
        route: &Route<'_>,
        fresh: bool,
    ) -> Result<Connection, DialFailure> {
        let own = self.downstream.personal.take_if(|own| own.leads_to(route.key));
        match own.and_then(Personal::into_connection) {
            Some(mut connection) if !fresh => {
                connection.reuse(self.worker, &self.view.config, endpoint);
                Ok(connection)
            }
            _ => upstream::connect(self.worker, self.view, endpoint, route, fresh).await,
        }
    }

    /// Whether nothing but HTTP/1.1 will do: it switches protocols, and has connections that
    /// credentials can hold for.
    fn wants_http1(&self, security: Security) -> bool {
        let is_agreed_on = security != Security::Plain;
        self.wants_http1
            || self.head.upgrade
            || is_agreed_on && has_credentials(self.head_bytes(), self.fields)
    }

    /// What endpoints are told of the client before anything else.
    fn introduction(&self) -> Vec<u8> {
        let write = match self.worker.settings.proxy_protocol {
            ProxyProtocol::Off => return Vec::new(),
            ProxyProtocol::V1 => proxy_protocol::write_v1,
            ProxyProtocol::V2 => proxy_protocol::write_v2,
        };
        let arrival = &self.visitor.arrival;
        let mut introduction = Vec::new();
        let source = SocketAddr::new(arrival.client, arrival.client_port);
        write(&mut introduction, source, SocketAddr::new(arrival.address, arrival.port));
        introduction
    }

    /// Whether an endpoint without TLS is spoken to in HTTP/2 all the same.
    fn wants_cleartext_http2(&self) -> bool {
        match self.worker.settings.cleartext_http2 {
            CleartextHttp2::Off => false,
            CleartextHttp2::Grpc => grpc::is_call(self.head_bytes(), self.fields),
        }
    }

    /// The head of the request as the endpoint gets it.
    fn request_head(&self, plan: &Plan<'_>, host: Option<&str>) -> Vec<u8> {
        let load_balancer = self.view.config.load_balancer(plan.load_balancer());
        let forwarding = Forwarding {
            client: &self.visitor.lines,
            ray: &self.ray,
            loop_token: &self.worker.loop_token,
            span: self.span.as_ref(),
            host,
            strips_session_cookie: sets_cookies(load_balancer),
        };
        let mut out = self.worker.buffers.take_scratch();
        request_head::write(&mut out, self.head_bytes(), self.head, self.fields, &forwarding);
        out
    }

    /// The request as the endpoint gets it. Where a body follows, the head leaves the input.
    fn request_message(&mut self, plan: &Plan<'_>, host: Option<&str>, is_framed: bool) -> Pump {
        let head = self.request_head(plan, host);
        let load_balancer = self.view.config.load_balancer(plan.load_balancer());
        let to = self.body_to(is_framed);
        if self.has_head && !matches!(self.head.body, Body::None) {
            self.kept_head = self.downstream.input.filled()[..self.head.bytes].to_vec();
            self.drop_head();
        }
        let from = body_from(&self.head.body, self.downstream.io.frames_messages());
        let body_bytes_max = gate::body_bytes_max(&load_balancer.edge);
        Pump::new(head, from, to).keeping_body().up_to(body_bytes_max)
    }

    /// Whether nobody has to wait for the client any more. Asked when the head has left the input.
    fn has_body_at_hand(&self) -> bool {
        match self.head.body {
            Body::None => true,
            Body::Length(bytes) => self.downstream.input.filled().len() as u64 >= bytes,
            Body::Chunked | Body::UntilClose => false,
        }
    }

    /// How the end of the request's body is shown to the endpoint.
    fn body_to(&self, is_framed: bool) -> BodyTo {
        match self.head.body {
            _ if is_framed => BodyTo::Framed,
            Body::Chunked | Body::UntilClose => BodyTo::Chunked,
            _ => BodyTo::Plain,
        }
    }

    /// Tells passive health what an attempt met.
    pub(super) fn witness(
        &self,
        outliers: &OutlierTable,
        endpoint: EndpointIx,
        evidence: Evidence,
    ) {
        outliers.see(&self.view.config, endpoint, evidence, self.worker.now());
    }
}

/// Whether session cookies of our name are a load balancer's own: it sets them, or a rule of its may.
fn sets_cookies(load_balancer: &LoadBalancer) -> bool {
    let is_cookie =
        |kind: AffinityKind| matches!(kind, AffinityKind::Cookie | AffinityKind::IpCookie);
    let by_rule = |action: &RuleAction| match action {
        RuleAction::Override { overrides, .. } => overrides.affinity.kind.is_some_and(is_cookie),
        RuleAction::Respond(_) => false,
    };
    is_cookie(load_balancer.affinity.kind)
        || load_balancer.rules.iter().any(|rule| by_rule(&rule.action))
}
