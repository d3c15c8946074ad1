//! The language from outside: tables of what holds and what is refused, and the properties that
//! hold for every expression.

mod agreement;
mod errors;
mod functions;
mod generated;
mod limits;
mod oracle;
mod printing;
mod semantics;
mod support;
