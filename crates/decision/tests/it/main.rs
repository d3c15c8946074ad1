//! The pipeline from outside: worlds in a line of text, requests sent into them, and what becomes
//! of them.

mod distribution;
mod notation;
mod pipeline;
mod properties;
mod traps;
