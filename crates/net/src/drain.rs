//! How a node comes to its end, as every plane that has connections is told.

/// What becomes of the connections that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Drain {
    /// Nothing: the node serves.
    #[default]
    Not,
    /// Another process accepts on the same sockets. Ours stay until they have been told that no more
    /// is served on them; long ones run to their end.
    Gentle,
    /// Nobody accepts any more. What is under way is finished within a short limit.
    Prompt,
}

impl Drain {
    /// Whether the node is on its way out.
    #[must_use]
    pub fn is_on(self) -> bool {
        self != Self::Not
    }
}
