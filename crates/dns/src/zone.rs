//! What zones hold, made findable.

use std::sync::Arc;

use evenkeel_model::View;

/// Every zone of a view, findable by the names in it.
#[derive(Debug, Default)]
pub struct Catalog {}

impl Catalog {
    /// The catalog of a view. What did not change since an earlier one is taken over from it.
    #[must_use]
    pub fn new(view: &View, earlier: Option<&Self>) -> Self {
        let _ = (Arc::as_ptr(&view.config), earlier);
        Self {}
    }

    /// Whether it is this view's, or may serve for it.
    #[must_use]
    pub fn fits(&self, view: &View) -> bool {
        let _ = view;
        true
    }
}

/// Where in the RDATA of a type a name stands that may be compressed.
pub(crate) fn name_in_rdata(_rtype: u16) -> Option<usize> {
    None
}
