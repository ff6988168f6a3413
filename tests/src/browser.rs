//! A browser without a screen: it keeps its cookie, fills in the forms that it was shown, and says where they
//! come from.

use std::sync::Mutex;

use reqwest::header::{ACCEPT_LANGUAGE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};

use crate::tls;

/// A browser at one server.
#[derive(Debug)]
pub struct Browser {
    http: reqwest::Client,
    url: String,
    /// The cookie, as `name=value`.
    cookie: Mutex<Option<String>>,
    language: &'static str,
}

/// What a browser is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The status.
    pub status: u16,
    /// Where it is to go, in the words of the answer.
    pub location: Option<String>,
    /// The cookie that came with it, with its attributes.
    pub set_cookie: Option<String>,
    /// The page.
    pub html: String,
}

impl Browser {
    /// A browser without a cookie, whose owner reads Chinese.
    pub fn new(url: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none());
        let http = http.tls_backend_preconfigured(tls::trusting_nobody()).build().unwrap();
        Self { http, url: url.into(), cookie: Mutex::new(None), language: "zh-CN" }
    }

    /// The same, whose owner reads English.
    #[must_use]
    pub fn in_english(self) -> Self {
        Self { language: "en", ..self }
    }

    /// Its cookie.
    pub fn cookie(&self) -> Option<String> {
        self.cookie.lock().unwrap().clone()
    }

    /// Has this cookie from now on.
    pub fn set_cookie(&self, cookie: Option<String>) {
        *self.cookie.lock().unwrap() = cookie;
    }

    /// A request with the cookie and nothing else; end it with [`Browser::look`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let request = request.header(ACCEPT_LANGUAGE, self.language);
        match self.cookie() {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    /// Sends a request, and keeps the cookie of the answer.
    pub async fn look(&self, request: RequestBuilder) -> Shown {
        let answer = request.send().await.unwrap();
        let header = |name| {
            let value = answer.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        let (location, set_cookie) = (header(LOCATION), header(SET_COOKIE));
        if let Some(cookie) = &set_cookie {
            self.set_cookie(cookie.split(';').next().map(str::to_owned));
        }
        let status = answer.status().as_u16();
        // Templates escape more than they have to.
        let html = answer.text().await.unwrap().replace("&#x2f;", "/");
        Shown { status, location, set_cookie, html }
    }

    /// Opens a page.
    pub async fn open(&self, path: &str) -> Shown {
        self.look(self.request(Method::GET, path)).await
    }

    /// Opens a page and sends its form, filled in like this.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = self.open(path).await.form_token();
        self.send(path, &token, fields).await
    }

    /// Sends a form with this mark from a page of the same site.
    pub async fn send(&self, path: &str, token: &str, fields: &[(&str, &str)]) -> Shown {
        let fields: Vec<_> = fields.iter().copied().chain([("form_token", token)]).collect();
        let request = self.request(Method::POST, path).header("sec-fetch-site", "same-origin");
        self.look(request.form(&fields)).await
    }

    /// Sends a form with a file from a page of the same site (RFC 7578).
    pub async fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        name: &str,
        file: impl AsRef<[u8]>,
    ) -> Shown {
        let token = self.open(path).await.form_token();
        let mut body = Vec::new();
        for (field, value) in fields.iter().copied().chain([("form_token", token.as_str())]) {
            let part = format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file.as_ref());
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let request = self.request(Method::POST, path).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "multipart/form-data; boundary=edge");
        self.look(request.body(body)).await
    }

    /// Logs in by the page.
    pub async fn log_in(&self, name: &str, password: &str) -> Shown {
        let fields = [("username", name), ("password", password), ("action", "login")];
        self.submit("/account/login", &fields).await
    }
}

impl Shown {
    /// The mark of the forms on the page; empty if there is none.
    pub fn form_token(&self) -> String {
        self.value_of("form_token")
    }

    /// What a field of the page holds; empty if there is none.
    pub fn value_of(&self, name: &str) -> String {
        let after = self.html.split_once(&format!("name=\"{name}\"")).map_or("", |(_, rest)| rest);
        let value = after.split_once('>').map_or("", |(tag, _)| tag).split_once("value=\"");
        value
            .and_then(|(_, rest)| rest.split_once('"'))
            .map_or("", |(value, _)| value)
            .replace("&quot;", "\"")
    }

    /// Whether it leads to this place.
    pub fn leads_to(&self, place: &str) -> bool {
        self.status == 303 && self.location.as_deref() == Some(place)
    }
}

/// A text in an address.
pub fn url_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02x}"))
}
