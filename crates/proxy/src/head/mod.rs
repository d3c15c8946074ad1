//! Heads on their way through: what is taken out, what is put in, and that all else is copied byte
//! for byte in its order (behaviour.md 11.1 and 11.2).

pub(crate) mod request;
pub(crate) mod response;

use evenkeel_h1::{Field, Span};

/// Copies field lines in runs: neighbours that both stay are one copy.
struct Runs<'a> {
    buffer: &'a [u8],
    run: Option<Span>,
}

impl<'a> Runs<'a> {
    fn new(buffer: &'a [u8]) -> Self {
        Self { buffer, run: None }
    }

    /// The line stays.
    fn keep(&mut self, field: &Field, out: &mut Vec<u8>) {
        match &mut self.run {
            Some(run) if run.end == field.line.start => run.end = field.line.end,
            _ => {
                self.flush(out);
                self.run = Some(field.line);
            }
        }
    }

    /// Writes what was kept so far.
    fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(run) = self.run.take() {
            out.extend_from_slice(run.of(self.buffer));
        }
    }
}
