//! Pure choices: host to load balancer, session affinity, steering, endpoint choice, the failover
//! plan, and the trail that explains them. No I/O, no clock, no randomness of its own.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod health;
