//! Bodies of `multipart/form-data`, as forms send files (RFC 7578): taken apart as they arrive and
//! kept whole, within the bound of every other body.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header;
use multer::{Constraints, Multipart, SizeLimit};

use crate::app::App;
use crate::error::ApiError;
use crate::request::discard;

/// How long a body may take to arrive.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Most parts of a body. A zone file comes with one or two.
const PARTS_MAX: usize = 16;

/// The parts of a body by name.
#[derive(Debug)]
pub(crate) struct Upload(Vec<(String, Bytes)>);

impl FromRequest<Arc<App>> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let bytes_max = app.settings.body_bytes_max;
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let boundary =
            media_type.and_then(|value| multer::parse_boundary(value.to_str().ok()?).ok());
        let Some(boundary) = boundary else {
            discard(request.into_body());
            return Err(ApiError::not_multipart());
        };
        let limit = SizeLimit::new().whole_stream(bytes_max as u64);
        let constraints = Constraints::new().size_limit(limit);
        let mut stream = request.into_body().into_data_stream();
        let mut form = Multipart::with_constraints(&mut stream, boundary, constraints);
        let read = tokio::time::timeout(UPLOAD_TIMEOUT, read(&mut form)).await;
        drop(form);
        match read {
            Ok(Ok(parts)) => Ok(Self(parts)),
            Ok(Err(multer::Error::StreamSizeExceeded { .. })) => {
                discard(Body::new(stream));
                Err(ApiError::too_large(bytes_max))
            }
            Ok(Err(error)) => Err(ApiError::invalid(format_args!("malformed form: {error}"))),
            Err(_) => Err(ApiError::invalid(format_args!("the request body did not arrive"))),
        }
    }
}

async fn read(form: &mut Multipart<'_>) -> multer::Result<Vec<(String, Bytes)>> {
    let mut parts = Vec::new();
    while let Some(part) = form.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await?;
        if parts.len() < PARTS_MAX {
            parts.push((name, bytes));
        }
    }
    Ok(parts)
}

impl Upload {
    /// The text of a part.
    ///
    /// # Errors
    /// 400 when it is not UTF-8.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let Some((_, bytes)) = self.0.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes);
        text.map(Some).map_err(|_| ApiError::invalid(format_args!("the part {name} is not UTF-8")))
    }
}
