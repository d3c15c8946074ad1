//! The HTTP data plane: downstream, upstream, relay
