//! Proof that the common answer allocates nothing: an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use evenkeel_decision::{NoSessions, Trail};
use evenkeel_dns::answer;
use evenkeel_dns::wire::{EdnsOut, Parsed, Query, write};

use crate::dig::Asked;
use crate::notation::{Seeded, World, env};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u32> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged; counting touches a constant-
// initialised thread local without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` by `alloc` above, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn the_common_answer_allocates_nothing() {
    let world = World::parse(
        "zone example.com; @ NS ns1; ns1 A 10.0.0.1; @ MX 10 mail; mail A 10.0.0.2; www TXT hello
         c CNAME www; *.w A 10.0.0.3; sub NS ns.sub; ns.sub A 10.0.0.4; edge 198.51.100.1
         lb www | eu: 10.0.0.5 10.0.0.6=0.5 10.0.0.7; lb all | eu: 10.0.0.5 10.0.0.6 10.0.0.7
         lb geo ecs geo:DE=eu | eu: 10.0.0.5! 10.0.0.6 | us: 10.0.0.7; lb * | eu: 10.0.0.8
         lb front proxied | eu: 10.0.0.1; lb app | eu: app.example.net
         host app.example.net 60 10.0.0.9",
    );
    let mut out = Vec::with_capacity(1500);
    for query in [
        "www.example.com A",
        "all.example.com A edns=1232",
        "geo.example.com A ecs=10.49.7.0/24",
        "app.example.com A",
        "front.example.com A",
        "a.b.any.example.com A",
        "c.example.com A",
        "www.example.com TXT",
        "x.w.example.com A do",
        "example.com MX",
        "x.sub.example.com A",
        "gone.w.mail.example.com A",
        "www.example.org A",
    ] {
        let asked = Asked::parse(query);
        let (mut rng, mut sessions, mut trail) = (Seeded(1), NoSessions, Trail::new());
        let mut env = env(&mut rng, &mut sessions);
        out.clear();
        let before = ALLOCATIONS.get();
        let Parsed::Query(parsed) = Query::parse(&asked.message) else { panic!("no query") };
        let answer = answer(&parsed, asked.source, &world.context(), &mut env, &mut trail);
        write(&mut out, &parsed, &answer, asked.limit, &EdnsOut::default());
        drop(answer);
        assert_eq!(ALLOCATIONS.get() - before, 0, "{query}");
    }
}
