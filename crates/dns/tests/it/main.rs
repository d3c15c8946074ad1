//! What the name server answers, in one binary (behaviour.md 8).

mod allocations;
mod catalogs;
mod dig;
mod hostile;
mod load_balancers;
mod notation;
mod oracle;
mod records;
mod server;
mod traps;
