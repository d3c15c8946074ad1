//! The same seed gives the same trails, to the last note.

use super::Finding;
use crate::run::{Run, Trails, run};

/// Runs a seed twice and compares everything that every request met.
pub fn replays(seed: u64, steps: u64) -> Finding {
    let once = || run(seed, steps, Trails::Kept).map_err(|failure| failure.to_string());
    let (first, second) = (once()?, once()?);
    let differ = |(a, b): &(&String, &String)| a != b;
    let pairs = first.trails.iter().zip(&second.trails);
    match pairs.enumerate().find(|(_, pair)| differ(pair)) {
        Some((n, (a, b))) => Err(format!("seed {seed:#x}, request {n}:\n  {a}\n  {b}")),
        None if first.trails.len() != second.trails.len() => {
            Err(format!("seed {seed:#x}: {} and {} requests", len(&first), len(&second)))
        }
        None => Ok(()),
    }
}

fn len(run: &Run) -> usize {
    run.trails.len()
}
