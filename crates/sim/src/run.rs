//! One seed from beginning to end, and what to do when it fails.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use evenkeel_model::LoadBalancerIx;

use crate::census::Census;
use crate::chance::Chance;
use crate::exchange::Exchange;
use crate::invariants::{OF_CENSUS, OF_EXCHANGE, OF_PUBLICATION};
use crate::publication::Publication;
use crate::request::stranger;
use crate::witness::Witness;
use crate::world::World;

/// Whether a run keeps the text of every exchange. Most need only the one that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trails {
    /// Every exchange becomes a line.
    Kept,
    /// None does.
    Forgotten,
}

/// What a run has left.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// A line for each exchange, where they are kept.
    pub trails: Vec<String>,
    /// What the run has met.
    pub witness: Witness,
}

/// A seed that breaks an invariant, or makes the engine panic.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which world.
    pub seed: u64,
    /// At which event.
    pub step: u64,
    /// The invariant, by the name of its file.
    pub invariant: &'static str,
    /// What is wrong.
    pub message: String,
    /// The exchange it was found on.
    pub trail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, step, invariant, message, trail } = self;
        writeln!(f, "seed {seed:#x}, step {step}: {invariant}: {message}")?;
        writeln!(f, "  {trail}")?;
        write!(f, "  replay: SIM_SEED={seed:#x} cargo test -p evenkeel-sim")
    }
}

/// Runs a world for so many events, asks every invariant after every request, and takes a census
/// at the end.
///
/// # Errors
/// With the first invariant that does not hold. A panic counts as one.
pub fn run(seed: u64, steps: u64, trails: Trails) -> Result<Run, Failure> {
    let at = Cell::new(0);
    catch_unwind(AssertUnwindSafe(|| live(seed, steps, trails, &at))).unwrap_or_else(|panic| {
        let message = text_of(&*panic);
        let trail = String::from("it got no further");
        Err(Failure { seed, step: at.get(), invariant: "never_panics", message, trail })
    })
}

fn live(seed: u64, steps: u64, trails: Trails, at: &Cell<u64>) -> Result<Run, Failure> {
    let mut world = World::new(seed);
    let mut run = Run::default();
    for step in 0..steps {
        at.set(step);
        let exchange = world.step();
        if let Some(publication) = world.take_publication() {
            inspect(&publication).map_err(|(invariant, message)| {
                let trail = format!("{:?}", publication.changes);
                Failure { seed, step, invariant, message, trail }
            })?;
            run.witness.see_publication(&publication);
        }
        let Some(exchange) = exchange else { continue };
        examine(&exchange).map_err(|(invariant, message)| {
            let Exchange { request, session, meant, contacts, .. } = &exchange;
            let trail =
                format!("{exchange}\n  {request:?}\n  {session:?}\n  {meant:?}\n  {contacts:?}");
            Failure { seed, step, invariant, message, trail }
        })?;
        run.witness.see(&exchange);
        if trails == Trails::Kept {
            run.trails.push(exchange.to_string());
        }
    }
    at.set(steps);
    let mut chance = Chance::new(!seed);
    let count = world.view().config.load_balancers.len();
    let of = u32::try_from(chance.index(count)).expect("few");
    let census = Census::take(&world, LoadBalancerIx(of), &mut chance);
    for (invariant, check) in OF_CENSUS {
        check(&census).map_err(|message| {
            let meant = world.meant(&stranger(world.host(LoadBalancerIx(of)), &mut chance));
            let Census { pools, endpoints, busy, .. } = &census;
            let trail = format!(
                "census of {}\n  {pools:?}\n  {endpoints:?}\n  busy {busy:?}\n  one of {meant:?}",
                world.host(LoadBalancerIx(of))
            );
            Failure { seed, step: steps, invariant, message, trail }
        })?;
    }
    run.witness.see_census(&census);
    Ok(run)
}

fn examine(exchange: &Exchange) -> Result<(), (&'static str, String)> {
    for (invariant, check) in OF_EXCHANGE {
        check(exchange).map_err(|message| (*invariant, message))?;
    }
    Ok(())
}

fn inspect(publication: &Publication) -> Result<(), (&'static str, String)> {
    for (invariant, check) in OF_PUBLICATION {
        check(publication).map_err(|message| (*invariant, message))?;
    }
    Ok(())
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}
