//! Names of load balancers, row by row (behaviour.md 8.1–8.7).
