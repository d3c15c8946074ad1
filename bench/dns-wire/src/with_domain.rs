//! With the `domain` library, its borrowed types and the compressor that does not allocate.

use std::hint::black_box;

use domain::base::iana::Rcode;
use domain::base::message_builder::MessageBuilder;
use domain::base::opt::Cookie;
use domain::base::{Message, StaticCompressor};
use domain::rdata::A;

pub(crate) fn read(query: &[u8]) {
    let message = Message::from_slice(query).expect("a message");
    let question = message.sole_question().expect("a question");
    let opt = message.opt().expect("an OPT record");
    let cookie = opt.opt().first::<Cookie>();
    let asked = (question.qtype(), question.qclass(), opt.udp_payload_size(), opt.dnssec_ok());
    black_box((asked, cookie.is_some(), question.qname().first()));
}

/// The reading is part of it: the builder starts an answer from the message.
pub(crate) fn write(query: &[u8], out: &mut Vec<u8>) {
    let message = Message::from_slice(query).expect("a message");
    let target = StaticCompressor::new(std::mem::take(out));
    let builder = MessageBuilder::from_target(target).expect("room");
    let mut answer = builder.start_answer(message, Rcode::NOERROR).expect("room");
    answer.header_mut().set_aa(true);
    let question = message.sole_question().expect("a question");
    for last in 1..4 {
        answer.push((question.qname(), 30, A::from_octets(10, 0, 0, last))).expect("room");
    }
    let mut additional = answer.additional();
    additional
        .opt(|opt| {
            opt.set_udp_payload_size(1232);
            opt.set_dnssec_ok(true);
            Ok(())
        })
        .expect("room");
    *out = additional.finish().into_target();
}
