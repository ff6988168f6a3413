//! Forms of pages.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderValue, ORIGIN};
use actix_web::web::{self, Data};
use actix_web::{FromRequest, HttpRequest};
use menjin_domain::mfa::FactorCode;
use menjin_web::field::{FieldType, Request, Rules};
use menjin_web::problem::{Place, Problem};
use menjin_web::{ApiError, ErrorKind};
use serde_json::{Map, Value, json};

use crate::http::body::{read_form, rules, validate};
use crate::http::cookie::sent_cookie;
use crate::http::reply::{Answer, Rejection};
use crate::http::upload::{Upload, UploadForm};
use crate::state::{Api, PageSettings};

/// The field with the mark of the browser that a form was shown to.
pub(super) const FORM_TOKEN: &str = "form_token";

/// A form that was sent from a page of this server, by the browser that it was shown to (OWASP Cross-Site
/// Request Forgery Prevention).
pub(crate) struct PageForm<T> {
    /// What was typed.
    pub(crate) typed: Typed,
    /// What it is, or what is wrong with it.
    pub(crate) fields: Result<T, ApiError>,
}

impl<T> PageForm<T> {
    /// What was typed into a field.
    pub(crate) fn typed(&self, name: &str) -> String {
        self.typed.get(name)
    }
}

impl<T: Request> PageForm<T> {
    /// The same for a form with a table in it, which is read here and not before the handler: whoever sends
    /// it has to have the right for it first.
    ///
    /// # Errors
    /// It is not of a page of this server, or cannot be read.
    pub(crate) async fn of_upload(
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<(Self, Result<Upload, ApiError>), ApiError> {
        check_origin(request)?;
        let UploadForm { mut fields, upload } =
            UploadForm::read(request, payload.into_inner()).await?;
        check_token(request, &mut fields)?;
        Ok((Self::of(fields, request)?, upload))
    }

    fn of(typed: Map<String, Value>, request: &HttpRequest) -> Result<Self, ApiError> {
        let fields = validate(typed.clone(), &rules(request)?, Place::Body);
        Ok(Self { typed: Typed(typed), fields })
    }
}

/// What was typed into the fields of a form, right or wrong.
#[derive(Default)]
pub(crate) struct Typed(Map<String, Value>);

impl Typed {
    /// What was typed into a field; nothing, if it was not sent.
    pub(crate) fn get(&self, name: &str) -> String {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The same, or this if there is nothing.
    pub(crate) fn get_or(&self, name: &str, default: &str) -> String {
        let typed = self.get(name);
        if typed.is_empty() { default.to_owned() } else { typed }
    }

    /// The names of the fields that were sent.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<T: Request + 'static> FromRequest for PageForm<T> {
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Answer<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_origin(&request)?;
            let mut typed = read_form(&request, payload).await?;
            check_token(&request, &mut typed)?;
            Ok(Self::of(typed, &request)?)
        })
    }
}

fn pages(request: &HttpRequest) -> Result<(&Api, &PageSettings), ApiError> {
    let api = request.app_data::<Data<Api>>().ok_or(ErrorKind::Internal)?;
    let settings = api.settings.pages.as_ref().ok_or(ErrorKind::RouteNotFound)?;
    Ok((api, settings))
}

fn check_origin(request: &HttpRequest) -> Result<(), ApiError> {
    let (_, settings) = pages(request)?;
    if is_from_here(request, settings) { Ok(()) } else { Err(ErrorKind::ForeignForm.into()) }
}

/// Takes the mark out of the form and compares it with the cookie.
fn check_token(request: &HttpRequest, typed: &mut Map<String, Value>) -> Result<(), ApiError> {
    let (api, settings) = pages(request)?;
    let token = typed.remove(FORM_TOKEN);
    let token = token.as_ref().and_then(Value::as_str).unwrap_or_default();
    let cookie = sent_cookie(request, settings);
    if cookie.is_some_and(|cookie| api.services.cookies.is_form_of(&cookie, token)) {
        Ok(())
    } else {
        Err(ErrorKind::ForeignForm.into())
    }
}

/// Whether the browser says that the request comes from a page of this origin. Without TLS and off the
/// machine itself it says less: then the origin has to be that of `server.public_url`, and not that of
/// `Host`, which whoever sends the request chooses.
fn is_from_here(request: &HttpRequest, settings: &PageSettings) -> bool {
    let text = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    if let Some(site) = text("sec-fetch-site") {
        return site == b"same-origin";
    }
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.zip(settings.origin.as_deref()).is_some_and(|(sent, ours)| sent == ours)
}

/// A field that may be left empty: forms send all of their fields.
pub(crate) struct IfAny<T>(PhantomData<T>);

impl<T: FieldType<Json = String>> FieldType for IfAny<T> {
    type Json = String;
    type Value = Option<T::Value>;

    fn parse(sent: &String, rules: &Rules) -> Result<Option<T::Value>, Problem> {
        if sent.trim().is_empty() { Ok(None) } else { T::parse(sent, rules).map(Some) }
    }

    fn schema(rules: &Rules) -> Value {
        T::schema(rules)
    }
}

/// A code of the second factor, which is left empty by whoever has none.
pub(crate) struct CodeIfAny;

impl FieldType for CodeIfAny {
    type Json = String;
    type Value = Option<FactorCode>;

    fn parse(sent: &String, _: &Rules) -> Result<Option<FactorCode>, Problem> {
        let code = Some(sent).filter(|sent| !sent.trim().is_empty());
        Ok(code.map(|code| FactorCode::parse(code)).transpose()?)
    }

    fn schema(_: &Rules) -> Value {
        json!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn g4_a_form_comes_from_a_page_of_ours() {
        let origin = Some("https://id.example".to_owned());
        let settings = PageSettings { origin, ..PageSettings::default() };
        let taken = |headers: &[(&'static str, &'static str)]| {
            let request = TestRequest::default().insert_header(("Host", "id.example"));
            let request =
                headers.iter().fold(request, |request, header| request.insert_header(*header));
            is_from_here(&request.to_http_request(), &settings)
        };
        assert!(taken(&[("Sec-Fetch-Site", "same-origin")]));
        assert!(taken(&[("Origin", "https://id.example")]));
        for headers in [
            &[][..],
            &[("Sec-Fetch-Site", "same-site")],
            &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://id.example")],
            &[("Sec-Fetch-Site", "none")],
            &[("Origin", "null")],
            &[("Origin", "http://id.example")],
            &[("Origin", "https://id.example.evil.example")],
            &[("Referer", "https://id.example/account/login")],
        ] {
            assert!(!taken(headers), "{headers:?}");
        }
    }
}
