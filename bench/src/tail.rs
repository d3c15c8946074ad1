//! What scenarios about tails share: four endpoints of known capacity, proxies with one pool of
//! them, and requests that come whether or not answers do.

pub mod endpoints;
pub mod load;
pub mod pool;
