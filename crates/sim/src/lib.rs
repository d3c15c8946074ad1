//! Whole worlds from a seed: virtual time, servers that slow down, fail, flap and recover, monitors
//! that notice, users who reconfigure, clients with cookies, and the decision engine in the middle
//! of it, asked for every request.
//!
//! ```text
//!   generate ─▶ blueprint ◀─ change          what is configured
//!                   │
//!   servers ─▶ checkers ─▶ View              what is known
//!                            │
//!   request ──────────▶ exchange ─▶ trail    what the engine decides, and what becomes of it
//!                            │
//!   oracle, memory ──▶ invariants            what should have become of it
//! ```
//!
//! A run is one thread, and nothing in it is random but by its seed: a seed that fails is a bug
//! report that anybody can replay (`SIM_SEED=0x… cargo test -p evenkeel-sim`). [`settings`] lists
//! the variables. [`invariants`] has one file for each thing that must hold, [`witness`] counts what
//! was met, so that no invariant passes for lack of anything to judge.
//!
//! Sockets, HTTP and DNS are not here: what is simulated is decisions and what they depend on.

pub mod agenda;
pub mod blueprint;
pub mod census;
pub mod chance;
pub mod change;
pub mod checkers;
pub mod condition;
pub mod exchange;
pub mod generate;
pub mod invariants;
pub mod likelihood;
pub mod loads;
pub mod memory;
pub mod oracle;
pub mod places;
pub mod publication;
pub mod queueing;
pub mod request;
pub mod run;
pub mod servers;
pub mod settings;
pub mod witness;
pub mod world;
