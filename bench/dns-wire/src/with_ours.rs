//! As the product does it.

use std::hint::black_box;
use std::net::IpAddr;

use evenkeel_decision::{Env, NoLoads, NoSessions, Rng, Trail};
use evenkeel_dns::answer;
use evenkeel_dns::answer::{Data, Owner, Set};
use evenkeel_dns::wire::{EdnsOut, Parsed, Query, Rcode, rtype};
use evenkeel_model::Timestamp;

use crate::scene::{Configured, Scene};

pub(crate) fn read(query: &[u8]) {
    black_box(parse(query));
}

fn parse(query: &[u8]) -> Query<'_> {
    match Query::parse(query) {
        Parsed::Query(query) => query,
        _ => unreachable!("a query"),
    }
}

/// The reading is part of it.
pub(crate) fn write(scene: &Scene, out: &mut Vec<u8>) {
    let query = parse(&scene.query);
    let mut answer = evenkeel_dns::Answer::empty(Rcode::NoError, None);
    answer.addresses.extend((1..4).map(|last| IpAddr::from([10, 0, 0, last])));
    let data = Data::Addresses(0..3);
    answer.answer.push(Set { owner: Owner::Question, rtype: rtype::A, ttl_s: 30, data });
    evenkeel_dns::wire::write(out, &query, &answer, 1232, &EdnsOut::default());
}

/// All of it: reading, the decision, writing.
pub(crate) fn whole(Configured { scene, world }: Configured<'_>, out: &mut Vec<u8>) {
    decide(&scene.query, world.context(), out);
}

/// The same, steered by the resolver's country.
pub(crate) fn geo(Configured { scene, world }: Configured<'_>, out: &mut Vec<u8>) {
    decide(&scene.geo_query, world.context(), out);
}

fn decide(query: &[u8], context: evenkeel_dns::Context<'_>, out: &mut Vec<u8>) {
    let query = parse(query);
    let (mut rng, mut sessions, mut trail) = (SplitMix(1), NoSessions, Trail::new());
    let mut env = Env {
        now: Timestamp::from_seconds(0),
        rng: &mut rng,
        loads: &NoLoads,
        ejections: None,
        sessions: &mut sessions,
    };
    let answer = answer(&query, [192, 0, 2, 1].into(), &context, &mut env, &mut trail);
    evenkeel_dns::wire::write(out, &query, &answer, 1232, &EdnsOut::default());
}

struct SplitMix(u64);

impl Rng for SplitMix {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 31)
    }
}
