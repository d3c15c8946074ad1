//! The life of one request: decide, connect, exchange, and try again where the plan allows it.
//!
//! One view serves the whole request, retries included.
//!
//! On the request path.

use std::net::SocketAddr;
use std::time::Duration;

use arrayvec::{ArrayString, ArrayVec};
use evenkeel_decision::passive::Evidence;
use evenkeel_decision::{
    Decision, DialFailure, Plan, RequestFacts, Rng, Step, Target, Trail, decide,
};
use evenkeel_h1::host::NAME_BYTES_MAX;
use evenkeel_h1::{AnswerTo, Body, Field, FieldKind, RequestHead, ResponseHead, Version};
use evenkeel_model::{
    AffinityKind, Edge, EndpointIx, FixedResponse, LoadBalancer, RuleAction, View,
};
use evenkeel_net::proxy_protocol;

use crate::arrival::{Security, Visitor};
use crate::downstream::{After, Downstream};
use crate::exchange::{self, Broken, Delivered, body_from};
use crate::facts::HeadFields;
use crate::fixed;
use crate::gate::{self, Barred, Comer};
use crate::grpc;
use crate::head::request::Forwarding;
use crate::head::response::{ConnectionLine, Reply};
use crate::head::{request as request_head, response as response_head};
use crate::outliers::{OutlierTable, evidence_of};
use crate::ray::Ray;
use crate::refusal::{Form, Occasion, Refusal};
use crate::relay::pump::{BodyTo, Pump};
use crate::settings::{CleartextHttp2, ProxyProtocol};
use crate::transport::{Sink, Transport};
use crate::upstream::{
    self, Circumstances, Connection, Literal, Personal, Route, has_challenge, has_credentials,
};
use crate::worker::Worker;

/// `Cookie` lines that are searched for a session; HTTP/1.1 clients send one (RFC 6265 section
/// 5.4). Cookies of further lines are forwarded and otherwise ignored.
const COOKIE_LINES_MAX: usize = 8;

/// Interim responses (1xx) passed on per request. Real endpoints send one or two; an endless
/// stream of them would keep a request alive for ever.
const INTERIM_MAX: u32 = 32;

/// A request under way.
struct Request<'a, D> {
    worker: &'a Worker,
    downstream: &'a mut Downstream<D>,
    visitor: &'a Visitor,
    head: &'a RequestHead,
    fields: &'a [Field],
    view: &'a View,
    host: &'a str,
    ray: Ray,
    trail: Trail,
    /// Whether the head still stands at the front of the input.
    has_head: bool,
    /// Whether an endpoint has asked for HTTP/1.1.
    wants_http1: bool,
    /// A copy of the head, once it has left the input to let the body through.
    kept_head: Vec<u8>,
}

/// How an attempt on one endpoint ended.
enum Attempt {
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

/// Answers one request. Its head stands at the front of the client's input, and is gone from
/// there afterwards.
pub(crate) async fn handle<D: Transport>(
    worker: &Worker,
    downstream: &mut Downstream<D>,
    visitor: &Visitor,
    head: &RequestHead,
    fields: &[Field],
) -> After {
    let ray = Ray::new(worker.chance().next_u64(), &worker.settings.pop);
    let view = worker.live.load();
    let buffer = downstream.input.filled();
    let host = lower_case(head.host_name.of(buffer));
    let mut trail = Trail::new();
    let told;
    let visitor = if visitor.arrival.is_trusted {
        let client = worker.settings.fronts.told(visitor.arrival.client, buffer, fields);
        told = visitor.behind(client, &worker.shared.geo);
        &told
    } else {
        visitor
    };
    let comer = Comer {
        arrival: &visitor.arrival,
        head,
        buffer,
        host: &host,
        https_port: worker.settings.https_port,
        challenges: &worker.shared.challenges,
    };
    let barred = gate::check(&view, &comer);
    let decision = {
        let mut cookies = ArrayVec::<&[u8], COOKIE_LINES_MAX>::new();
        for field in fields.iter().filter(|field| field.kind == FieldKind::Cookie) {
            if cookies.try_push(field.value.of(buffer)).is_err() {
                break;
            }
        }
        let facts = RequestFacts {
            cookies: &cookies,
            method: head.method.of(buffer),
            target: &head.target.of(buffer),
            https: visitor.arrival.is_https(),
            version: visitor.version(head.version),
            headers: &HeadFields { buffer, fields },
            node: &worker.settings.site,
            geography: &visitor.client,
            ..RequestFacts::new(&host, visitor.client.address)
        };
        worker.decide(|env| decide(&view, &facts, env, &mut trail))
    };
    let is_loop = has_passed_here(worker, buffer, fields);
    let mut request = Request {
        worker,
        downstream,
        visitor,
        head,
        fields,
        view: &view,
        host: &host,
        ray,
        trail,
        has_head: true,
        wants_http1: false,
        kept_head: Vec::new(),
    };
    let after = match (barred, decision) {
        _ if is_loop => request.refuse(Refusal::LOOP).await,

        (Some(Barred::Refused(refusal)), _) => request.refuse(refusal).await,
        (Some(Barred::Answered(response)), _) => request.respond(&response).await,
        (None, Decision::Unavailable(why)) => request.refuse(why.into()).await,
        (None, Decision::Respond(response)) => request.respond(response).await,
        (None, Decision::Forward(plan)) => request.forward(plan).await,
    };
    if tracing::enabled!(tracing::Level::DEBUG) {
        tracing::debug!(ray = request.ray.as_str(), trail = %request.trail.describe(&view), "Request decided.");
    }
    request.drop_head();
    after
}

/// A host name as load balancers are found by it. One that no load balancer can have is empty.
fn lower_case(name: &[u8]) -> ArrayString<NAME_BYTES_MAX> {
    let mut lower = std::str::from_utf8(name).ok().and_then(|name| ArrayString::from(name).ok());
    if let Some(name) = &mut lower {
        name.make_ascii_lowercase();
    }
    lower.unwrap_or_default()
}

/// Whether a request comes back to this node: its `CDN-Loop` has our own entry (RFC 8586).
fn has_passed_here(worker: &Worker, buffer: &[u8], fields: &[Field]) -> bool {
    fields.iter().filter(|field| field.kind == FieldKind::CdnLoop).any(|field| {
        let mut entries = field.value.of(buffer).split(|byte| *byte == b',');
        entries.any(|entry| entry.trim_ascii() == worker.loop_token.as_bytes())
    })
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

impl<D: Transport> Request<'_, D> {
    /// Follows the plan until somebody answered or it gives up.
    async fn forward(&mut self, mut plan: Plan<'_>) -> After {
        let mut upload = None;
        let mut is_second_go = false;
        loop {
            let target = match plan.step() {
                Step::Dial(target) => target,
                Step::GiveUp(why) => return self.refuse(why.into()).await,
            };
            match self.attempt(&plan, target, &mut upload, is_second_go).await {
                Attempt::Answered(after) => {
                    if let Some(mut upload) = upload {
                        self.worker.buffers.give_scratch(upload.take_storage());
                    }
                    return after;
                }
                // A body that was taken from the input cannot be put before another head.
                Attempt::Unresolved | Attempt::Failed(_)
                    if upload.as_ref().is_some_and(Pump::has_taken_body) =>
                {
                    return self.refuse(Refusal::BAD_RESPONSE).await;
                }
                Attempt::Stale => {
                    is_second_go = true;
                    self.worker.metrics.stale_retries.increment();
                }
                Attempt::Unresolved => {
                    self.worker.decide(|env| plan.unresolved(env, &mut self.trail));
                }
                Attempt::Failed(failure) => {
                    self.worker.decide(|env| plan.failed(env, failure, &mut self.trail));
                    if matches!(plan.step(), Step::Dial(_)) {
                        self.worker.metrics.failovers.increment();
                    }
                    // Another endpoint's idle connections are as good as ever.
                    is_second_go = false;
                }
                Attempt::Refused(refusal) => return self.refuse(refusal).await,
                Attempt::ClientGone => return After::Reset,
            }
            // The next endpoint may want another Host.
            upload.take_if(|upload| !upload.has_taken_body());
        }
    }

    /// One attempt on one endpoint. `upload` holds the request as it goes up, from the first
    /// attempt that gets a connection on; `fresh` asks for a new connection.
    async fn attempt(
        &mut self,
        plan: &Plan<'_>,
        target: Target,
        upload: &mut Option<Pump>,
        fresh: bool,
    ) -> Attempt {
        let endpoint = self.view.config.endpoint(target.endpoint);
        let load_balancer = self.view.config.load_balancer(plan.load_balancer());
        let security = self.visitor.arrival.security(&load_balancer.edge);
        let Some(address) = upstream::locate(self.worker, endpoint, security).await else {
            return Attempt::Unresolved;
        };
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
        let _in_flight = self.worker.shared.loads.request(&self.view.config, target.endpoint);
        let mut connection = match self.connect(target.endpoint, &route, fresh).await {
            Ok(connection) => connection,
            Err(failure) => {
                if let Some(outliers) = &self.worker.shared.outliers {
                    self.witness(outliers, target.endpoint, Evidence::ConnectFailed);
                }
                return Attempt::Failed(failure);
            }
        };
        let is_framed = connection.io.frames_messages();
        let upload = match upload {
            Some(upload) if upload.is_framed() == is_framed => upload,
            // A part of the body is framed for another protocol already.
            Some(_) => return Attempt::Refused(Refusal::BAD_RESPONSE),
            None => upload.insert(self.request_message(plan, endpoint.host.as_deref(), is_framed)),
        };
        let mut fields = self.worker.take_fields();
        let outcome = self.converse(plan, target, upload, &mut connection, &mut fields).await;
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
                    Attempt::Failed(DialFailure::Refused)
                } else {
                    Attempt::Refused(Refusal::BAD_RESPONSE)
                };
            }
            Err(Broken::Unacknowledged) => {
                let may_repeat = self.head.method_kind.is_idempotent() && upload.can_rewind();
                return if may_repeat {
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
            } else {
                idle.put(key, endpoint.id, connection, promised, revision);
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

    /// How long an endpoint may be silent.
    fn read_limit(&self, edge: &Edge) -> Duration {
        let own = self.worker.settings.timeouts.upstream_read;
        edge.upstream_read_ms.map_or(own, |ms| Duration::from_millis(ms.into()))
    }

    /// The head as the client sent it, which is what its spans are cut from.
    fn head_bytes(&self) -> &[u8] {
        if self.has_head { self.downstream.input.filled() } else { &self.kept_head }
    }

    /// The request as the endpoint gets it. Where a body follows, the head leaves the input.
    fn request_message(&mut self, plan: &Plan<'_>, host: Option<&str>, is_framed: bool) -> Pump {
        let buffer = self.head_bytes();
        let load_balancer = self.view.config.load_balancer(plan.load_balancer());
        let forwarding = Forwarding {
            client: &self.visitor.lines,
            ray: &self.ray,
            loop_token: &self.worker.loop_token,
            host,
            strips_session_cookie: sets_cookies(load_balancer),
        };
        let mut out = self.worker.buffers.take_scratch();
        request_head::write(&mut out, buffer, self.head, self.fields, &forwarding);
        let to = match self.head.body {
            _ if is_framed => BodyTo::Framed,
            Body::Chunked | Body::UntilClose => BodyTo::Chunked,
            _ => BodyTo::Plain,
        };
        if self.has_head && !matches!(self.head.body, Body::None) {
            self.kept_head = self.downstream.input.filled()[..self.head.bytes].to_vec();
            self.drop_head();
        }
        let from = body_from(&self.head.body, self.downstream.io.frames_messages());
        let body_bytes_max = gate::body_bytes_max(&load_balancer.edge);
        Pump::new(out, from, to).keeping_body().up_to(body_bytes_max)
    }

    /// Sends the request and delivers the response.
    async fn converse(
        &mut self,
        plan: &Plan<'_>,
        target: Target,
        upload: &mut Pump,
        connection: &mut Connection,
        fields: &mut Vec<Field>,
    ) -> Result<(ResponseHead, After), Broken> {
        let worker = self.worker;
        let answer_to =
            AnswerTo { method: self.head.method_kind, upgrade_asked: self.head.upgrade };
        let edge = &self.view.config.load_balancer(plan.load_balancer()).edge;
        let read_limit = self.read_limit(edge);
        let mut interim = 0;
        loop {
            let answer = exchange::await_head(
                worker,
                self.downstream,
                connection,
                upload,
                answer_to,
                read_limit,
                fields,
            )
            .await;
            // Told now, for the rest of the response may take hours.
            if let Some(outliers) = &worker.shared.outliers
                && let Some(evidence) = evidence_of(&answer)
            {
                self.witness(outliers, target.endpoint, evidence);
            }
            let response = answer.map_err(|broken| match broken {
                // The client has had a part of the answer.
                Broken::Unacknowledged if interim > 0 => Broken::Refused(Refusal::UNACKNOWLEDGED),
                Broken::Reset if interim > 0 => Broken::Refused(Refusal::BAD_RESPONSE),
                broken => broken,
            })?;
            // Whatever happens from here on is no surprise of a reused connection.
            connection.is_reused = false;
            connection.is_personal |= has_challenge(connection.input.filled(), fields);
            let head = self.response_head(plan, upload, connection, &response, fields);
            connection.input.consume(response.bytes);
            if response.upgrade && !upload.is_done() {
                tracing::debug!("An endpoint switched protocols before it was asked to.");
                return Err(Broken::Refused(Refusal::BAD_RESPONSE));
            }
            if response.upgrade {
                return Ok((response, self.upgrade(connection, head).await));
            }
            if response.status >= 200 {
                // A body may take hours, and clients that do not read it may be many.
                worker.give_fields(std::mem::take(fields));
                if upload.is_done() {
                    worker.buffers.give_scratch(upload.take_storage());
                }
                let after = self.deliver(upload, connection, head, &response, read_limit).await?;
                return Ok((response, after));
            }
            interim += 1;
            if interim > INTERIM_MAX {
                return Err(Broken::Refused(Refusal::BAD_RESPONSE));
            }
            // HTTP/1.0 knows no interim responses.
            if self.head.version == Version::Http11
                && self.downstream.send(worker, head).await == Delivered::Cut
            {
                return Err(Broken::ClientGone);
            }
        }
    }

    /// Tells passive health what an attempt met.
    fn witness(&self, outliers: &OutlierTable, endpoint: EndpointIx, evidence: Evidence) {
        outliers.see(&self.view.config, endpoint, evidence, self.worker.now());
    }

    /// The response's head as the client gets it.
    fn response_head(
        &self,
        plan: &Plan<'_>,
        upload: &Pump,
        connection: &Connection,
        response: &ResponseHead,
        fields: &[Field],
    ) -> Vec<u8> {
        let mut out = self.worker.buffers.take_scratch();
        let now = self.worker.now();
        let is_final = response.status >= 200;
        let line = if response.upgrade {
            ConnectionLine::Upgrade
        } else if !is_final {
            ConnectionLine::Default
        } else if !self.keeps_alive(upload, response) {
            ConnectionLine::Close
        } else if self.head.version == Version::Http10 {
            ConnectionLine::KeepAlive
        } else {
            ConnectionLine::Default
        };
        let date = self.worker.date(now);
        let reply = Reply {
            ray: &self.ray,
            is_chunked: self.is_chunked(response),
            connection: line,
            date: &date,
        };
        response_head::write(&mut out, connection.input.filled(), response, fields, &reply);
        if (is_final || response.upgrade)
            && let Some(cookie) = self.worker.decide(|env| plan.answered(env))
        {
            out.extend_from_slice(b"Set-Cookie: ");
            cookie.write_value(self.view, now, self.visitor.arrival.is_https(), &mut out);
            out.extend_from_slice(b"\r\n");
            self.worker.metrics.sessions_started.increment();
        }
        response_head::finish(&mut out);
        out
    }

    /// Whether the body leaves in chunks: it has no known length, and the client knows chunks.
    fn is_chunked(&self, response: &ResponseHead) -> bool {
        response_head::needs_chunks(&response.body, self.head.version == Version::Http11)
    }

    /// Whether another request may follow this response on the client's connection.
    fn keeps_alive(&self, upload: &Pump, response: &ResponseHead) -> bool {
        let has_framing =
            matches!(response.body, Body::None | Body::Length(_)) || self.is_chunked(response);
        self.head.keep_alive
            && has_framing
            && upload.is_done()
            && !self.worker.connections.is_draining()
    }

    async fn deliver(
        &mut self,
        upload: &mut Pump,
        connection: &mut Connection,
        head: Vec<u8>,
        response: &ResponseHead,
        read_limit: Duration,
    ) -> Result<After, Broken> {
        let keeps_alive = self.keeps_alive(upload, response);
        let to = match self.is_chunked(response) {
            _ if self.downstream.io.frames_messages() => BodyTo::Framed,
            true => BodyTo::Chunked,
            false => BodyTo::Plain,
        };
        let from = body_from(&response.body, connection.io.frames_messages());
        let mut download = Pump::new(head, from, to);
        let delivered = exchange::deliver(
            self.worker,
            self.downstream,
            connection,
            upload,
            &mut download,
            read_limit,
        )
        .await?;
        self.worker.buffers.give_scratch(download.take_storage());
        self.worker.metrics.responded(response.status);
        Ok(match delivered {
            Delivered::Cut => After::Reset,
            Delivered::Whole if keeps_alive => After::Keep,
            Delivered::Whole if upload.is_done() => After::Close,
            Delivered::Whole => After::Linger,
        })
    }

    async fn upgrade(&mut self, connection: &mut Connection, head: Vec<u8>) -> After {
        self.worker.metrics.responded(101);
        self.drop_head();
        let mut delivered = self.downstream.send(self.worker, head).await;
        if delivered == Delivered::Whole {
            let idle = self.worker.settings.timeouts.tunnel_idle;
            delivered = exchange::tunnel(self.worker, self.downstream, connection, idle).await;
        }
        if delivered == Delivered::Cut { After::Reset } else { After::Close }
    }

    /// Answers as a rule or a pool set says.
    async fn respond(&mut self, response: &FixedResponse) -> After {
        let keeps_alive = self.may_keep_alive();
        let occasion = fixed::Occasion {
            ray: &self.ray,
            is_head: self.head.method_kind == evenkeel_h1::Method::Head,
            connection: match self.head.version {
                _ if !keeps_alive => Some("close"),
                Version::Http10 => Some("keep-alive"),
                Version::Http11 => None,
            },
        };
        let delivered = self.downstream.respond(self.worker, response, &occasion).await;
        after_own_answer(&delivered, keeps_alive)
    }

    /// Whether another request may follow an answer that no endpoint gave: a body that was not read
    /// to its end stands between here and the next one.
    fn may_keep_alive(&self) -> bool {
        let has_no_body = matches!(self.head.body, Body::None | Body::Length(0));
        self.head.keep_alive && has_no_body && !self.worker.connections.is_draining()
    }

    /// Answers on the proxy's own account.
    async fn refuse(&mut self, refusal: Refusal) -> After {
        let form = Form::asked_by(self.head_bytes(), self.fields);
        let is_head = self.head.method_kind == evenkeel_h1::Method::Head;
        // HTTP/1.0 would have to be told that the connection stays; it may as well go.
        let keeps_alive = self.may_keep_alive() && self.head.version == Version::Http11;
        let occasion = Occasion { ray: &self.ray, zone: self.host, form, is_head, keeps_alive };
        let delivered = self.downstream.refuse(self.worker, refusal, &occasion).await;
        after_own_answer(&delivered, keeps_alive)
    }

    fn drop_head(&mut self) {
        if std::mem::take(&mut self.has_head) {
            self.downstream.input.consume(self.head.bytes);
        }
    }
}

fn after_own_answer(delivered: &Delivered, keeps_alive: bool) -> After {
    match delivered {
        Delivered::Cut => After::Reset,
        Delivered::Whole if keeps_alive => After::Keep,
        Delivered::Whole => After::Linger,
    }
}
