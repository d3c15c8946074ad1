//! What handlers take from a request: the body within its bound, the query, and the identifiers of
//! the path, each refused in the API's own shape.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as HttpBody, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use bytes::{Bytes, BytesMut};
use evenkeel_api::Account;
use http::request::Parts;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::error::ApiError;
use crate::ids::is_id;
use crate::records::Owner;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What is read, and thrown away, of a body that is too long: a client that is cut off while it
/// still sends would see a broken connection instead of the answer.
const DISCARD_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A request body, as long as the installation allows, or as this where that is more.
#[derive(Debug)]
pub(crate) struct Body<const LEAST: usize = 0>(pub(crate) Bytes);

impl<const LEAST: usize> FromRequest<Arc<App>> for Body<LEAST> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let bytes_max = app.settings.body_bytes_max.max(LEAST);
        if is_encoded(request.headers()) {
            discard(request.into_body());
            return Err(ApiError::encoded());
        }
        if !may_be_json(request.headers()) {
            discard(request.into_body());
            return Err(ApiError::not_json());
        }
        let mut body = request.into_body();
        match tokio::time::timeout(BODY_TIMEOUT, read(&mut body, bytes_max)).await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(ReadError::TooLarge)) => {
                discard(body);
                Err(ApiError::too_large(bytes_max))
            }
            Ok(Err(ReadError::CutOff)) | Err(_) => {
                Err(ApiError::invalid(format_args!("the request body did not arrive")))
            }
        }
    }
}

enum ReadError {
    TooLarge,
    CutOff,
}

async fn read(body: &mut HttpBody, bytes_max: usize) -> Result<Bytes, ReadError> {
    // One that says itself that it is too long need not be kept until it is.
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ReadError::CutOff)?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > bytes_max {
                return Err(ReadError::TooLarge);
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes.freeze())
}

/// Reads the rest of a body beside the answer, bounded in size and time.
pub(crate) fn discard(mut body: HttpBody) {
    tokio::spawn(tokio::time::timeout(BODY_TIMEOUT, async move {
        let mut left = DISCARD_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    }));
}

/// Whether the body is compressed, or otherwise not what it says.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether the content type allows for JSON. None does, and so does the one that curl sends unless
/// it is told otherwise.
fn may_be_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json"
        || media_type == "application/x-www-form-urlencoded"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// A query string. Unknown parameters are ignored (api.md 7, row 29).
#[derive(Debug)]
pub(crate) struct Parameters<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(error) => {
                let text = error.body_text();
                // What is left names the parameter.
                let text =
                    text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                Err(ApiError::invalid(format_args!("{text}")))
            }
        }
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
pub(crate) struct Page {
    /// From 1.
    pub(crate) page: Option<u64>,
    /// Items on a page.
    pub(crate) per_page: Option<u64>,
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Asc,
    Desc,
}

/// The page of a list that has no unpaged form: zones and accounts (api.md 6.1, 6.2).
///
/// # Errors
/// 400 when more or fewer items are asked for than such a page may have.
pub(crate) fn bounded_page(asked: Page) -> Result<Page, ApiError> {
    const PER_PAGE_DEFAULT: u64 = 20;
    let per_page = asked.per_page.unwrap_or(PER_PAGE_DEFAULT);
    if !(5..=50).contains(&per_page) {
        return Err(ApiError::invalid(format_args!("per_page is not in range [5, 50]")));
    }
    Ok(Page { per_page: Some(per_page), ..asked })
}

/// The identifiers of a path, as far as it has them: well-formed, not yet looked up.
#[derive(Debug, Default)]
pub(crate) struct At {
    account: Option<String>,
    zone: Option<String>,
    id: Option<String>,
    region: Option<String>,
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = parts.uri.path().to_owned();
        let Ok(parameters) = RawPathParams::from_request_parts(parts, state).await else {
            return Err(ApiError::unroutable(&path));
        };
        let mut at = Self { path, ..Self::default() };
        for (name, value) in &parameters {
            // The words of a path that have no fixed form.
            let free = match name {
                "region_id" => Some(&mut at.region),
                "preview_id" | "setting_id" => Some(&mut at.id),
                _ => None,
            };
            if let Some(place) = free {
                *place = Some(value.to_owned());
                continue;
            }
            if !is_id(value) {
                return Err(ApiError::unroutable(&at.path));
            }
            let place = match name {
                "account_id" => &mut at.account,
                "zone_id" => &mut at.zone,
                _ => &mut at.id,
            };
            *place = Some(value.to_owned());
        }
        // Below `/user` the caller's own account is meant (api.md 2).
        if at.account.is_none() && at.zone.is_none() {
            at.account = parts.extensions.get::<Caller>().and_then(|caller| caller.account.clone());
        }
        Ok(at)
    }
}

impl At {
    /// The object's own identifier.
    pub(crate) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// The code of a region, as sent.
    pub(crate) fn region(&self) -> &str {
        self.region.as_deref().unwrap_or_default()
    }

    /// The zone's identifier.
    pub(crate) fn zone(&self) -> &str {
        self.zone.as_deref().unwrap_or_default()
    }

    /// Looks up what the path stands below: an account, or a zone and its account.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) fn place(&self, catalog: &Catalog) -> Result<Place, ApiError> {
        if let Some(id) = &self.zone {
            let zone = catalog.zones.get(id).ok_or_else(|| ApiError::not_found("zone"))?;
            let owner = Owner::Zone(id.clone());
            let zone_name = Some(zone.name.clone());
            return Ok(Place { owner, account: zone.account.id.clone(), zone_name });
        }
        let account = self.account(catalog)?.id.clone();
        Ok(Place { owner: Owner::Account(account.clone()), account, zone_name: None })
    }

    /// Looks up the path's account.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) fn account<'c>(&self, catalog: &'c Catalog) -> Result<&'c Account, ApiError> {
        let id = self.account.as_deref().unwrap_or_default();
        catalog.accounts.get(id).ok_or_else(|| ApiError::not_found("account"))
    }
}

/// What a path stands below, looked up.
#[derive(Debug)]
pub(crate) struct Place {
    /// What owns the objects of the path.
    pub(crate) owner: Owner,
    /// The account that is or owns the owner.
    pub(crate) account: String,
    /// The zone's name, when the owner is one.
    pub(crate) zone_name: Option<String>,
}

impl Place {
    /// Whether the account has something, itself or by one of its zones.
    pub(crate) fn account_has(&self, catalog: &Catalog, owner: &Owner) -> bool {
        match owner {
            Owner::Account(id) => *id == self.account,
            Owner::Zone(id) => {
                catalog.zones.get(id).is_some_and(|zone| zone.account.id == self.account)
            }
        }
    }
}
