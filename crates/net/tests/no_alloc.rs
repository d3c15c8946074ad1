//! Proof that looking up where an address is allocates nothing: an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use evenkeel_net::geo::GeoFiles;

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
fn a_look_up_allocates_nothing() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/example.mmdb");
    let geo = GeoFiles::open(&[example]).unwrap().geo();
    // In the file, in the built-in database, in neither.
    let addresses = ["203.0.113.9", "193.0.6.139", "10.0.0.1", "2001:67c:2e8:22::c100:68b"];
    let addresses = addresses.map(|address| address.parse().unwrap());
    // The first load of a thread enters it into the snapshot's books.
    let _ = geo.find(addresses[0]);
    let before = ALLOCATIONS.get();
    let found = addresses.map(|address| geo.find(address).country);
    assert_eq!(ALLOCATIONS.get(), before);
    assert_eq!(found, [*b"PT", *b"NL", *b"XX", *b"NL"]);
}
