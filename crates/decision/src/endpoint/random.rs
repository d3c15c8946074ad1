//! A draw by weight, in exact hundredths.

use evenkeel_model::{EndpointIx, View};

use crate::Rng;
use crate::rng::draw;

pub(super) fn pick(
    view: &View,
    endpoints: impl Iterator<Item = EndpointIx> + Clone,
    rng: &mut dyn Rng,
) -> Option<EndpointIx> {
    let weight = |ix: EndpointIx| view.config.endpoint(ix).weight.hundredths();
    let (mut count, mut total) = (0, 0);
    for ix in endpoints.clone() {
        count += 1;
        total += u64::from(weight(ix));
    }
    match total {
        0 => draw(rng, count, endpoints.map(|ix| (ix, 1))),
        _ => draw(rng, total, endpoints.map(|ix| (ix, weight(ix)))),
    }
}
