//! The shape of every answer (api.md 1.1) and the pages of lists (1.6).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Problem;

/// What `per_page` reports, at least, when a list was not asked for in pages. The recorded answer,
/// the largest 64-bit integer, is beyond what JavaScript can hold (api.md 9 item 8).
const UNPAGED_MIN: u64 = 1000;

/// The outermost object of every answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope<T> {
    /// True only with a 2xx status.
    pub success: bool,
    /// What went wrong; empty on success, never absent.
    pub errors: Vec<ApiMessage>,
    /// Remarks; never absent.
    pub messages: Vec<ApiMessage>,
    /// The answer itself; null on every failure.
    pub result: Option<T>,
    /// On lists only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_info: Option<ResultInfo>,
}

impl<T> Envelope<T> {
    /// A success with one object.
    #[must_use]
    pub const fn success(result: T) -> Self {
        Self {
            success: true,
            errors: Vec::new(),
            messages: Vec::new(),
            result: Some(result),
            result_info: None,
        }
    }

    /// A failure.
    #[must_use]
    pub const fn failure(errors: Vec<ApiMessage>) -> Self {
        Self { success: false, errors, messages: Vec::new(), result: None, result_info: None }
    }
}

impl<T> Envelope<Vec<T>> {
    /// A success with one [`page`] of a list.
    #[must_use]
    pub fn list((items, info): (Vec<T>, ResultInfo)) -> Self {
        Self { result_info: Some(info), ..Self::success(items) }
    }
}

/// An error or a remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiMessage {
    /// At least 1000.
    pub code: u32,
    /// What a person reads.
    pub message: String,
    /// Where more is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation_url: Option<String>,
    /// Which part of the body is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Causes; header and authentication errors have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_chain: Vec<ApiMessage>,
}

impl ApiMessage {
    /// A message about the request as a whole.
    #[must_use]
    pub fn new(code: u32, message: &str) -> Self {
        Self {
            code,
            message: message.to_string(),
            documentation_url: None,
            source: None,
            error_chain: Vec::new(),
        }
    }
}

impl From<Problem> for ApiMessage {
    fn from(problem: Problem) -> Self {
        let whole = problem.pointer.is_empty();
        Self {
            code: problem.code,
            message: problem.message,
            documentation_url: None,
            source: (!whole).then_some(Source { pointer: problem.pointer }),
            error_chain: Vec::new(),
        }
    }
}

/// A place in the request body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// JSON pointer, such as `/origins/0/weight`.
    pub pointer: String,
}

/// Where a page stands in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResultInfo {
    /// The page, from 1.
    pub page: u64,
    /// Most items a page holds.
    pub per_page: u64,
    /// Items on this page.
    pub count: u64,
    /// Items in the list.
    pub total_count: u64,
    /// Pages in the list, at least 1.
    pub total_pages: u64,
}

/// Cuts one page out of a list. Without `per_page` the page is the whole list; `page` counts from 1
/// and a page past the end is empty, which is how the pagers of the SDKs know they are done. Zeros
/// count as 1. Lists that page by default pass their default as `per_page`.
#[must_use]
pub fn page<T>(items: Vec<T>, page: Option<u64>, per_page: Option<u64>) -> (Vec<T>, ResultInfo) {
    let total_count = items.len() as u64;
    let page = page.unwrap_or(1).max(1);
    let per_page = per_page.unwrap_or_else(|| total_count.max(UNPAGED_MIN)).max(1);
    let first = (page - 1).saturating_mul(per_page).min(total_count);
    let end = first.saturating_add(per_page).min(total_count);
    let info = ResultInfo {
        page,
        per_page,
        count: end - first,
        total_count,
        total_pages: total_count.div_ceil(per_page).max(1),
    };
    // Both ends are at most the list's length, which is a `usize`.
    let (first, count) = (first as usize, info.count as usize);
    (items.into_iter().skip(first).take(count).collect(), info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use serde_json::json;

    #[test]
    fn pages_are_cut_and_counted() {
        for (asked, first, info) in [
            ((None, None), Some(0), [1, 1000, 45, 45, 1]),
            ((Some(2), None), None, [2, 1000, 0, 45, 1]),
            ((None, Some(20)), Some(0), [1, 20, 20, 45, 3]),
            ((Some(3), Some(20)), Some(40), [3, 20, 5, 45, 3]),
            ((Some(4), Some(20)), None, [4, 20, 0, 45, 3]),
            ((Some(0), Some(0)), Some(0), [1, 1, 1, 45, 45]),
            ((Some(u64::MAX), Some(u64::MAX)), None, [u64::MAX, u64::MAX, 0, 45, 1]),
        ] {
            let (items, got) = page((0..45).collect::<Vec<_>>(), asked.0, asked.1);
            assert_eq!(items.first().copied(), first, "{asked:?}");
            assert_eq!(items.len() as u64, got.count, "{asked:?}");
            let got = [got.page, got.per_page, got.count, got.total_count, got.total_pages];
            assert_eq!(got, info, "{asked:?}");
        }
        let (all, info) = page(vec![(); 1001], None, None);
        assert_eq!((all.len(), info.per_page, info.total_pages), (1001, 1001, 1));
        assert_eq!(page::<()>(vec![], None, Some(20)).1.total_pages, 1);
    }

    #[test]
    fn envelopes_have_the_published_members() {
        let list = Envelope::list(page::<u8>(vec![], None, Some(20)));
        assert_eq!(
            serde_json::to_value(list).unwrap(),
            json!({"success": true, "errors": [], "messages": [], "result": [],
                "result_info": {"page": 1, "per_page": 20, "count": 0, "total_count": 0, "total_pages": 1}})
        );
        let problem = Problem::invalid("/ttl", format_args!("ttl is not in range [1, 86400]"));
        let failure = Envelope::<()>::failure(vec![problem.into(), Problem::referenced().into()]);
        assert_eq!(
            serde_json::to_value(failure).unwrap(),
            json!({"success": false, "messages": [], "result": null, "errors": [
                {"code": 1002, "message": "ttl is not in range [1, 86400]: validation failed",
                    "source": {"pointer": "/ttl"}},
                {"code": 1005,
                    "message": "This object is referenced by other objects, delete them first."}]})
        );
    }
}
