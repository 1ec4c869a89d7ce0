//! Invariant 7: scoring an event of a known actor allocates nothing.
#![expect(unsafe_code, reason = "a counting allocator has to implement an unsafe trait")]

use crate::support::{pack, pipeline};
use engine::decode::{Lines, pad};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged; the counter is a plain cell without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|it| it.set(it.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|it| it.set(it.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes of one line, padded as a block.
fn block(line: &[u8]) -> (Vec<u8>, usize) {
    let mut bytes = line.to_vec();
    let payload = pad(&mut bytes);
    (bytes, payload)
}

#[test]
fn an_event_of_a_known_actor_that_no_exchanged_rule_wants_allocates_nothing() {
    const WARM: usize = 60_000;
    const MEASURED: usize = 5_000;
    let text = sim::sample_lines(7, 200, WARM + MEASURED);
    let lines: Vec<&[u8]> = text.split(|it| *it == b'\n').filter(|it| !it.is_empty()).collect();
    let mut pipeline = pipeline(&pack("native"));
    let mut alerts = Vec::with_capacity(1_000);
    let (mut quiet, mut allocating, mut worst) = (0_u64, 0_u64, 0);
    for (at, line) in lines.iter().enumerate() {
        let (bytes, payload) = block(line);
        let mut lines = Lines::new(&bytes, payload).unwrap();
        alerts.clear();
        let routed_before = pipeline.routed();
        let before = ALLOCATIONS.with(Cell::get);
        pipeline.score(&mut lines, &mut alerts, |record| panic!("{:?}", record.outcome));
        let allocations = ALLOCATIONS.with(Cell::get) - before;
        // An alert is text, and a hit on its way to another shard takes its line along: those allocate, and say so.
        if at >= WARM && alerts.is_empty() && pipeline.routed() == routed_before {
            quiet += 1;
            allocating += u64::from(allocations > 0);
            worst = worst.max(allocations);
        }
    }
    assert!(quiet > 1_000, "only {quiet} of {} events were quiet, {} hits were exchanged", lines.len(), pipeline.routed());
    // A window's table or a cache's row may still grow once in a while; it must be nowhere near once per event.
    assert!(allocating * 200 <= quiet, "{allocating} of {quiet} quiet events allocated, at most {worst} times");
}
