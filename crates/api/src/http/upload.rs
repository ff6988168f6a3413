//! A table of users that is sent as a file.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::{StreamExt as _, stream};
use menjin_domain::import::TableFormat;
use menjin_tables::Format;
use menjin_web::problem::{FieldError, Problem};
use menjin_web::schema::Components;
use menjin_web::{ApiError, ErrorKind};

use serde_json::{Map, Value};

use super::body::{Bounds, is_plain, read};
use super::reply::Rejection;
use crate::endpoint::{Input, Signature};
use crate::state::Api;

/// A table: as the body, or as the one file of a form (RFC 7578).
pub(crate) struct Upload {
    pub(crate) format: TableFormat,
    pub(crate) file: Vec<u8>,
}

impl FromRequest for Upload {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Rejection>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { Ok(Self::read(&request, payload).await?) })
    }
}

impl Upload {
    async fn read(request: &HttpRequest, payload: Payload) -> Result<Self, ApiError> {
        let api = request.app_data::<Data<Api>>().ok_or(ErrorKind::Internal)?;
        let mut headers = request.headers().get_all(CONTENT_TYPE);
        // Of two, a proxy may have looked at the other one.
        let header = headers.next().filter(|_| headers.next().is_none());
        let media_type = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_form = essence.eq_ignore_ascii_case("multipart/form-data");
        let format = Format::of_media_type(media_type);
        if !is_form && format.is_none() {
            return Err(ErrorKind::UnsupportedTable.into());
        }
        if !is_plain(request) {
            return Err(ErrorKind::UnsupportedContentEncoding.into());
        }
        let max = api.settings.import_max_body;
        let bounds = Bounds { max, too_large: ErrorKind::UploadTooLarge };
        let bytes = read(request, payload, bounds).await?;
        match format {
            Some(format) => Ok(Self { format: table_format(format), file: bytes.into() }),
            None => UploadForm::of(request, bytes).await?.upload,
        }
    }
}

/// A form with a table in it (RFC 7578).
pub(crate) struct UploadForm {
    /// The fields that are texts.
    pub(crate) fields: Map<String, Value>,
    /// The one file.
    pub(crate) upload: Result<Upload, ApiError>,
}

impl UploadForm {
    /// The longest text of a field that is looked at.
    const MAX_TEXT: usize = 1000;

    /// Reads all of it.
    ///
    /// # Errors
    /// It is no form, too large, or cannot be read.
    pub(crate) async fn read(request: &HttpRequest, payload: Payload) -> Result<Self, ApiError> {
        let api = request.app_data::<Data<Api>>().ok_or(ErrorKind::Internal)?;
        if !is_plain(request) {
            return Err(ErrorKind::UnsupportedContentEncoding.into());
        }
        let max = api.settings.import_max_body;
        let bounds = Bounds { max, too_large: ErrorKind::UploadTooLarge };
        let bytes = read(request, payload, bounds).await?;
        Self::of(request, bytes).await
    }

    async fn of(request: &HttpRequest, bytes: Bytes) -> Result<Self, ApiError> {
        let malformed = |error: actix_multipart::MultipartError| {
            tracing::debug!(%error, "a form cannot be read");
            ApiError::from(ErrorKind::BadRequest)
        };
        let body = stream::once(async move { Ok::<_, PayloadError>(bytes) });
        let mut form = Multipart::new(request.headers(), body);
        let (mut fields, mut files) = (Map::new(), Vec::new());
        while let Some(field) = form.next().await {
            let mut field = field.map_err(malformed)?;
            let named = field.content_disposition();
            let named = named.map(|it| (it.get_name(), it.get_filename()));
            let (name, file) = named.unwrap_or_default();
            let (name, file) = (name.map(str::to_owned), file.map(str::to_owned));
            let media_type = field.content_type().map(ToString::to_string).unwrap_or_default();
            let mut bytes = Vec::new();
            while let Some(chunk) = field.next().await {
                bytes.extend_from_slice(&chunk.map_err(malformed)?);
            }
            match (name, file) {
                // Browsers send a file without a name and content if none was chosen.
                (_, Some(file)) if file.is_empty() && bytes.is_empty() => {}
                (_, Some(file)) => files.push(table(&file, &media_type, bytes)),
                (Some(name), None) if bytes.len() <= Self::MAX_TEXT => {
                    if let Ok(text) = String::from_utf8(bytes) {
                        fields.insert(name, text.into());
                    }
                }
                _ => {}
            }
        }
        let upload = match files.pop() {
            None => Err(FieldError::in_body("file", Problem::Missing).into()),
            Some(_) if !files.is_empty() => {
                Err(FieldError::in_body("file", Problem::Repeated).into())
            }
            Some(file) => file,
        };
        Ok(Self { fields, upload })
    }
}

/// The table in a file. It is known by its media type, or by the end of its name: browsers call CSV what the
/// system calls it.
fn table(name: &str, media_type: &str, file: Vec<u8>) -> Result<Upload, ApiError> {
    let format = Format::of_media_type(media_type).or_else(|| Format::of_path(Path::new(name)));
    let format = format.ok_or(ErrorKind::UnsupportedTable)?;
    Ok(Upload { format: table_format(format), file })
}

fn table_format(format: Format) -> TableFormat {
    match format {
        Format::Csv => TableFormat::Csv,
        Format::Ndjson => TableFormat::Ndjson,
        Format::Xlsx => TableFormat::Xlsx,
    }
}

impl Input for Upload {
    fn describe(signature: &mut Signature, _: &mut Components<'_>) {
        signature.takes_file = true;
        signature.may_refuse(&[
            ErrorKind::UploadTooLarge,
            ErrorKind::UnsupportedTable,
            ErrorKind::UnsupportedContentEncoding,
            ErrorKind::RequestTimeout,
            ErrorKind::BadRequest,
        ]);
        let missing = FieldError::in_body("file", Problem::Missing).into();
        signature.errors.push(("no_file", missing));
    }
}
