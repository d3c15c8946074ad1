//! Versioned documents with a watch; knows nothing of balancing
