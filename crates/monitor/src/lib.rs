//! Health monitors: probes on a schedule, verdicts by the decision crate
