//! The pipeline from outside: worlds in a line of text, requests sent into them, and what becomes
//! of them.

mod affinity;
mod answers;
mod distribution;
mod health;
mod notation;
mod overrides;
mod passive;
mod pipeline;
mod properties;
mod shedding;
mod steering;
mod traps;
