//! The answer to an attempt: interim responses, the final head as the client gets it, its body, or
//! the tunnel that takes their place.
//!
//! On the request path.

use std::time::Duration;

use evenkeel_decision::{Plan, Target};
use evenkeel_h1::{AnswerTo, Body, Field, ResponseHead, Version};
use evenkeel_model::Edge;
use evenkeel_telemetry::RequestEnd;

use super::Request;
use crate::downstream::After;
use crate::exchange::{self, Broken, Delivered, body_from};
use crate::head::response as response_head;
use crate::head::response::{ConnectionLine, Reply};
use crate::loads::InFlight;
use crate::outliers::evidence_of;
use crate::refusal::Refusal;
use crate::relay::pump::{BodyTo, Pump};
use crate::transport::{Sink, Transport};
use crate::upstream::{Connection, has_challenge};

/// Interim responses (1xx) passed on per request. Real endpoints send one or two; an endless
/// stream of them would keep a request alive for ever.
const INTERIM_MAX: u32 = 32;

impl<D: Transport> Request<'_, D> {
    /// Sends the request and delivers the response.
    pub(super) async fn converse(
        &mut self,
        plan: &Plan<'_>,
        target: Target,
        in_flight: &mut InFlight,
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
            let evidence = evidence_of(&answer);
            in_flight.met(evidence);
            if let Some(outliers) = &worker.shared.outliers
                && let Some(evidence) = evidence
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
            let first_byte_at = connection.first_byte_at.take();
            if response.status >= 200 || response.upgrade {
                self.account.answered(response.status, first_byte_at);
            }
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
                && self.downstream.send(worker, head).await != Delivered::Whole
            {
                return Err(Broken::ClientGone);
            }
        }
    }

    /// How long an endpoint may be silent.
    fn read_limit(&self, edge: &Edge) -> Duration {
        let own = self.worker.settings.timeouts.upstream_read;
        edge.upstream_read_ms.map_or(own, |ms| Duration::from_millis(ms.into()))
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
        self.account.responding(response.status, &self.downstream.meter);
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
        self.account.ended(match delivered {
            Delivered::Whole => RequestEnd::Whole,
            Delivered::EndpointCut => RequestEnd::EndpointCut,
            Delivered::ClientGone => RequestEnd::ClientGone,
        });
        Ok(match delivered {
            Delivered::EndpointCut | Delivered::ClientGone => After::Reset,
            Delivered::Whole if keeps_alive => After::Keep,
            Delivered::Whole if upload.is_done() => After::Close,
            Delivered::Whole => After::Linger,
        })
    }

    async fn upgrade(&mut self, connection: &mut Connection, head: Vec<u8>) -> After {
        self.account.responding(101, &self.downstream.meter);
        if self.has_head && self.worker.tells(self.span.as_ref()) {
            self.kept_head = self.downstream.input.filled()[..self.head.bytes].to_vec();
        }
        self.drop_head();
        let mut delivered = self.downstream.send(self.worker, head).await;
        self.account.ended(match delivered {
            Delivered::Whole => RequestEnd::Tunnel,
            Delivered::EndpointCut | Delivered::ClientGone => RequestEnd::ClientGone,
        });
        if delivered == Delivered::Whole {
            let idle = self.worker.settings.timeouts.tunnel_idle;
            delivered = exchange::tunnel(self.worker, self.downstream, connection, idle).await;
        }
        if delivered == Delivered::Whole { After::Close } else { After::Reset }
    }
}
