//! From probe outcomes to a verdict (behaviour.md 7.4).
