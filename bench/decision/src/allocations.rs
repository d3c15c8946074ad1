//! An allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

/// Decisions that are looked at.
const TIMES: u32 = 1_000;

static COUNT: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call goes on to the system's allocator unchanged; counting touches a static only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
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

/// Allocations by one decision, on average. What deciding any number of times takes once does not
/// count.
pub(crate) fn of(decide: impl Fn(u64)) -> f64 {
    let during = |times| {
        let before = COUNT.load(Ordering::Relaxed);
        decide(times);
        COUNT.load(Ordering::Relaxed) - before
    };
    during(1);
    let once = during(1);
    let more = during(u64::from(TIMES) + 1) - once;
    f64::from(u32::try_from(more).unwrap_or(u32::MAX)) / f64::from(TIMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At least: the count is of the whole process, and other tests run beside this one.
    #[test]
    fn the_counter_counts() {
        let boxes = |times| (0..times).for_each(|n| drop(std::hint::black_box(Box::new(n))));
        assert!(of(boxes) >= 1.0);
    }
}
