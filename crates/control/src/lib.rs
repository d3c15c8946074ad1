//! REST control plane, auth, and the publisher of views
