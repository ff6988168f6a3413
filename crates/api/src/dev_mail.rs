//! `GET /dev/mail`: the mails that were written into files, for whoever tries menjin out. It is there
//! in development only, for requests from this machine to this machine: what it shows opens accounts.

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, FORWARDED, HOST};
use async_trait::async_trait;
use menjin_domain::common::PortError;
use minijinja::{Environment, context};

use crate::prelude::*;

/// A mail that was written into a file.
#[derive(Debug, Clone)]
pub struct DevMail {
    /// Whom it is to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// When it was sent.
    pub date: String,
    /// Its text.
    pub text: String,
}

/// Lists the mails in a folder, the newest first.
#[async_trait]
pub trait DevMails: Send + Sync {
    /// The mails.
    ///
    /// # Errors
    /// The folder cannot be read.
    async fn list(&self) -> Result<Vec<DevMail>, PortError>;
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::hidden(Method::GET, "/dev/mail", list)
}

/// Links become links; all else is text.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Mails – menjin</title>
<link rel="icon" href="data:,">
</head>
<body>
<h1>Mails</h1>
{% if not mails %}<p>No mail was sent yet. Register an account, or ask for a new password.</p>{% endif %}
{% for mail in mails %}<article>
<h2>{{ mail.subject }}</h2>
<p>To: {{ mail.to }}<br>{{ mail.date }}</p>
{% for line in mail.lines %}<p>{% if line.0 %}<a href="{{ line.1 }}">{{ line.1 }}</a>{% else %}{{ line.1 }}{% endif %}</p>
{% endfor %}</article>
<hr>
{% endfor %}
</body>
</html>
"#;

async fn list(api: Data<Api>, request: HttpRequest) -> Answer<HttpResponse> {
    let mails = api.settings.dev_mails.clone().filter(|_| is_from_here(&request));
    let mails = mails.ok_or(ErrorKind::RouteNotFound)?;
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "mails cannot be shown");
        ErrorKind::Internal
    };
    let links: Vec<_> = mails
        .list()
        .await?
        .into_iter()
        .map(|mail| {
            let lines: Vec<_> = mail.text.lines().filter(|line| !line.trim().is_empty()).collect();
            let lines: Vec<_> =
                lines.into_iter().map(|line| (is_link(line), line.to_owned())).collect();
            context! { to => mail.to, subject => mail.subject, date => mail.date, lines => lines }
        })
        .collect();
    let mut templates = Environment::new();
    let rendered = templates
        .add_template("mails.html", PAGE)
        .and_then(|()| templates.get_template("mails.html")?.render(context! { mails => links }))
        .map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ))
        .body(rendered))
}

fn is_link(line: &str) -> bool {
    line.starts_with("http://") || line.starts_with("https://")
}

/// Whether the request names this machine, and no proxy has passed it on: a page elsewhere that has
/// its name point to 127.0.0.1 sends its own name.
fn is_from_here(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    let name = name.map_or(host, |(name, _)| name);
    let is_passed_on = headers.contains_key(FORWARDED)
        || headers.keys().any(|name| name.as_str().starts_with("x-forwarded-"));
    let from_here = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback());
    from_here && !is_passed_on && ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}
