//! The life of one request: decide, connect, exchange, and try again where the plan allows it.
//!
//! One view serves the whole request, retries included.
//!
//! On the request path.

mod attempt;
mod response;

use arrayvec::{ArrayString, ArrayVec};
use evenkeel_decision::{Decision, Plan, RequestFacts, Rng, Step, Trail, decide};
use evenkeel_h1::host::NAME_BYTES_MAX;
use evenkeel_h1::{Body, Field, FieldKind, RequestHead, Version};
use evenkeel_model::{FixedResponse, LoadBalancerIx, View};
use evenkeel_telemetry::{RequestEnd, SpanContext};

use self::attempt::Attempt;
use crate::account::{Account, Asked, Told};
use crate::arrival::Visitor;
use crate::downstream::{After, Downstream};
use crate::exchange::Delivered;
use crate::facts::HeadFields;
use crate::fixed;
use crate::gate::{self, Barred, Comer};
use crate::head::request::TRACE_PARENT;
use crate::ray::Ray;
use crate::refusal::{Form, Occasion, Refusal};
use crate::relay::pump::Pump;
use crate::transport::Transport;
use crate::worker::Worker;

/// `Cookie` lines that are searched for a session; HTTP/1.1 clients send one (RFC 6265 section
/// 5.4). Cookies of further lines are forwarded and otherwise ignored.
const COOKIE_LINES_MAX: usize = 8;

/// A request under way. It is settled when it is dropped, in whatever way it ended.
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
    account: Account,
    /// Its place in a trace; `None` while nobody traces.
    span: Option<SpanContext>,
    /// Whether the head still stands at the front of the input.
    has_head: bool,
    /// Whether an endpoint has asked for HTTP/1.1.
    wants_http1: bool,
    /// A copy of the head, once it has left the input to let the body through.
    kept_head: Vec<u8>,
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
    let account = Account::begin(worker, &downstream.meter);
    let ray = Ray::new(worker.chance().next_u64(), &worker.settings.pop);
    let view = worker.view();
    let host = lower_case(head.host_name.of(downstream.input.filled()));
    let told;
    let visitor = if visitor.arrival.is_trusted {
        let buffer = downstream.input.filled();
        let client = worker.settings.fronts.told(visitor.arrival.client, buffer, fields);
        told = visitor.behind(client, &worker.shared.geo);
        &told
    } else {
        visitor
    };
    let mut request = Request {
        span: begin_span(worker, downstream.input.filled(), fields),
        worker,
        downstream,
        visitor,
        head,
        fields,
        view: &view,
        host: &host,
        ray,
        trail: Trail::new(),
        account,
        has_head: true,
        wants_http1: false,
        kept_head: Vec::new(),
    };
    request.serve().await
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

impl<'a, D: Transport> Request<'a, D> {
    /// Answers it. What bars a request comes first: no decision is taken for it.
    async fn serve(&mut self) -> After {
        let owner = self.view.config.find_host(self.host);
        self.account.belongs_to(owner);
        if has_passed_here(self.worker, self.head_bytes(), self.fields) {
            return self.refuse(Refusal::LOOP).await;
        }
        let comer = Comer {
            arrival: &self.visitor.arrival,
            head: self.head,
            buffer: self.head_bytes(),
            host: self.host,
            owner,
            https_port: self.worker.settings.https_port,
            challenges: &self.worker.shared.challenges,
        };
        match gate::check(self.view, &comer) {
            Some(Barred::Refused(refusal)) => return self.refuse(refusal).await,
            Some(Barred::Answered(response)) => return self.respond(&response).await,
            None => {}
        }
        let decision = self.decide(owner);
        if tracing::enabled!(tracing::Level::DEBUG) {
            tracing::debug!(ray = self.ray.as_str(), trail = %self.trail.describe(self.view), "Request decided.");
        }
        match decision {
            Decision::Unavailable(why) => self.refuse(why.into()).await,
            Decision::Respond(response) => self.respond(response).await,
            Decision::Forward(plan) => self.forward(plan).await,
        }
    }

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
                // Of a body that was taken from the input, only its sender has another copy.
                Attempt::Unresolved | Attempt::Failed(_)
                    if !upload.as_ref().is_none_or(Pump::has_all) =>
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

    /// Says where it goes.
    fn decide(&mut self, owner: Option<LoadBalancerIx>) -> Decision<'a> {
        let buffer = self.downstream.input.filled();
        let mut cookies = ArrayVec::<&[u8], COOKIE_LINES_MAX>::new();
        for field in self.fields.iter().filter(|field| field.kind == FieldKind::Cookie) {
            if cookies.try_push(field.value.of(buffer)).is_err() {
                break;
            }
        }
        let visitor = self.visitor;
        let facts = RequestFacts {
            owner,
            cookies: &cookies,
            method: self.head.method.of(buffer),
            target: &self.head.target.of(buffer),
            https: visitor.arrival.is_https(),
            version: visitor.version(self.head.version),
            headers: &HeadFields { buffer, fields: self.fields },
            node: &self.worker.settings.site,
            geography: &visitor.client,
            ..RequestFacts::new(self.host, visitor.client.address)
        };
        let (view, trail) = (self.view, &mut self.trail);
        self.worker.decide(|env| decide(view, &facts, env, trail))
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
        self.account.responding(response.status, &self.downstream.meter);
        let delivered = self.downstream.respond(self.worker, response, &occasion).await;
        self.after_own_answer(&delivered, keeps_alive)
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
        self.account.refusing(refusal.status, &self.downstream.meter);
        let delivered = self.downstream.refuse(self.worker, refusal, &occasion).await;
        self.after_own_answer(&delivered, keeps_alive)
    }

    fn after_own_answer(&mut self, delivered: &Delivered, keeps_alive: bool) -> After {
        match delivered {
            Delivered::EndpointCut | Delivered::ClientGone => {
                self.account.ended(RequestEnd::ClientGone);
                After::Reset
            }
            Delivered::Whole => {
                self.account.ended(RequestEnd::Own);
                if keeps_alive { After::Keep } else { After::Linger }
            }
        }
    }
}

impl<D> Request<'_, D> {
    /// The head as the client sent it, which is what its spans are cut from.
    fn head_bytes(&self) -> &[u8] {
        if self.has_head { self.downstream.input.filled() } else { &self.kept_head }
    }

    fn drop_head(&mut self) {
        if std::mem::take(&mut self.has_head) {
            self.downstream.input.consume(self.head.bytes);
        }
    }
}

impl<D> Drop for Request<'_, D> {
    fn drop(&mut self) {
        let meter = self.downstream.meter;
        let outcome = self.account.settle(self.worker, &self.view.config, &self.trail, &meter);
        let asked = Asked {
            buffer: self.head_bytes(),
            head: self.head,
            fields: self.fields,
            host: self.host,
            view: self.view,
            trail: &self.trail,
            account: &self.account,
        };
        let told = Told::of(self.visitor, &self.ray, &meter, asked);
        told.tell(self.worker, self.span.as_ref(), &outcome);
        self.drop_head();
    }
}

/// A request's place in its trace, where requests are traced.
fn begin_span(worker: &Worker, buffer: &[u8], fields: &[Field]) -> Option<SpanContext> {
    let tracer = worker.shared.tracer.as_ref()?;
    let mut parents = fields.iter().filter(|field| {
        field.kind == FieldKind::Other && field.name.of(buffer).eq_ignore_ascii_case(TRACE_PARENT)
    });
    // Of several none is to be believed (Trace Context, section 3.2.1).
    let parent = match (parents.next(), parents.next()) {
        (Some(parent), None) => Some(parent.value.of(buffer)),
        _ => None,
    };
    let mut chance = worker.chance();
    Some(tracer.begin(parent, std::array::from_fn(|_| chance.next_u64())))
}
