//! With the `hickory-proto` library, whose messages own what is in them.

use std::hint::black_box;
use std::net::Ipv4Addr;

use hickory_proto::op::{Edns, Message, MessageType};
use hickory_proto::rr::{RData, Record};

pub(crate) fn read(query: &[u8]) {
    black_box(Message::from_vec(query).expect("a message"));
}

/// The reading is part of it: the question is taken from the message.
pub(crate) fn write(query: &[u8], out: &mut Vec<u8>) {
    let query = Message::from_vec(query).expect("a message");
    let mut message =
        Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
    message.metadata.authoritative = true;
    let name = query.queries[0].name().clone();
    message.add_query(query.queries[0].clone());
    for last in 1..4 {
        let data = RData::A(Ipv4Addr::new(10, 0, 0, last).into());
        message.add_answer(Record::from_rdata(name.clone(), 30, data));
    }
    let mut edns = Edns::new();
    edns.set_max_payload(1232).set_dnssec_ok(true);
    message.set_edns(edns);
    out.extend_from_slice(&message.to_vec().expect("a message"));
}
