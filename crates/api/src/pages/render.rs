//! How a page is written.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use menjin_web::Locale;
use minijinja::{Environment, Value, context};

use crate::prelude::*;

/// What a page may do: run and show what this server sends, and post to it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                                 img-src data:; form-action 'self'; base-uri 'none'; \
                                 frame-ancestors 'none'";

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    // The test below renders it: it cannot be broken.
    drop(templates.add_template("page.html", include_str!("page.html")));
    templates
});

/// A field of the form.
#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    autocomplete: &'static str,
    hidden: bool,
    required: bool,
}

impl Field {
    /// The token of a link: hidden once it is known.
    pub(crate) fn token(value: &str, locale: Locale) -> Self {
        let label = Text { zh: "邮件中的验证码", en: "The code in the mail" };
        Self {
            name: "token",
            label: label.in_locale(locale),
            kind: "text",
            value: value.to_owned(),
            autocomplete: "off",
            hidden: !value.is_empty(),
            required: true,
        }
    }

    fn values(&self) -> Value {
        context! {
            name => self.name,
            label => self.label,
            kind => self.kind,
            value => self.value.as_str(),
            autocomplete => self.autocomplete,
            hidden => self.hidden,
            required => self.required && !self.hidden,
        }
    }

    /// A new password.
    pub(crate) fn new_password(name: &'static str, label: Text, locale: Locale) -> Self {
        Self {
            name,
            label: label.in_locale(locale),
            kind: "password",
            value: String::new(),
            autocomplete: "new-password",
            hidden: false,
            required: true,
        }
    }

    /// A line of text: `name` is what the form and browsers call it.
    pub(crate) fn text(name: &'static str, label: Text, locale: Locale, value: String) -> Self {
        let (kind, autocomplete) = match name {
            "code" => ("text", "one-time-code"),
            "email" => ("email", "email"),
            "username" => ("text", "username"),
            _ => ("text", "name"),
        };
        let label = label.in_locale(locale);
        Self { name, label, kind, value, autocomplete, hidden: false, required: true }
    }

    /// One that may be left empty.
    pub(crate) fn optional(self) -> Self {
        Self { required: false, ..self }
    }
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) locale: Locale,
    pub(crate) title: Text,
    pub(crate) error: Option<String>,
    pub(crate) lines: Vec<Text>,
    /// What is shown of an account: a label and a value.
    pub(crate) facts: Vec<(Text, String)>,
    pub(crate) fields: Vec<Field>,
    /// The buttons: what they send, and what they are called.
    pub(crate) buttons: Vec<(&'static str, Text)>,
    /// Whether the form is sent as soon as the script has the token.
    pub(crate) sends_itself: bool,
}

impl Page {
    /// A page with nothing but a title.
    pub(crate) fn new(locale: Locale, title: Text) -> Self {
        Self {
            locale,
            title,
            error: None,
            lines: Vec::new(),
            facts: Vec::new(),
            fields: Vec::new(),
            buttons: Vec::new(),
            sends_itself: false,
        }
    }

    /// A page that says something.
    pub(crate) fn saying(locale: Locale, title: Text, line: Text) -> Self {
        Self { lines: vec![line], ..Self::new(locale, title) }
    }

    /// A page that asks for the token of a mail, and looks at it as soon as there is one.
    pub(crate) fn asking_for_token(locale: Locale, title: Text) -> Self {
        let line =
            Text { zh: "请粘贴邮件中的验证码。", en: "Paste the code from the mail." };
        let mut page = Self::saying(locale, title, line);
        page.fields = vec![Field::token("", locale)];
        page.buttons = vec![("look", Text { zh: "继续", en: "Continue" })];
        page.sends_itself = true;
        page
    }

    /// The page as an answer that refuses what was asked of it before.
    pub(crate) fn refuse(self, kind: ErrorKind) -> Answer<HttpResponse> {
        let text = kind.text().in_locale(self.locale).to_owned();
        self.refuse_saying(kind, text)
    }

    /// The same, with a text that says more.
    pub(crate) fn refuse_saying(mut self, kind: ErrorKind, text: String) -> Answer<HttpResponse> {
        self.error = Some(text);
        self.sends_itself = false;
        self.respond(StatusCode::from_u16(kind.status()).unwrap_or_default())
    }

    /// The page as an answer.
    pub(crate) fn respond(self, status: StatusCode) -> Answer<HttpResponse> {
        let locale = self.locale;
        let said = |text: &Text| text.in_locale(locale);
        let template = TEMPLATES.get_template("page.html");
        let rendered = template.and_then(|template| {
            template.render(context! {
                lang => locale.tag(),
                title => said(&self.title),
                error => self.error,
                lines => self.lines.iter().map(said).collect::<Vec<_>>(),
                facts => self.facts.iter().map(|(label, value)| (said(label), value.clone())).collect::<Vec<_>>(),
                reads_fragment => self.fields.iter().any(|field| field.name == "token" && !field.hidden),
                sends_itself => self.sends_itself,
                fields => self.fields.iter().map(Field::values).collect::<Vec<_>>(),
                buttons => self.buttons.iter().map(|(action, text)| (*action, said(text))).collect::<Vec<_>>(),
            })
        });
        let html = rendered.map_err(|error| {
            tracing::error!(%error, "a page cannot be rendered");
            ErrorKind::Internal
        })?;
        Ok(HttpResponse::build(status)
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .body(html))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn m6_what_people_wrote_is_text_on_a_page() {
        let hostile = "<script>alert(1)</script>\"'";
        let mut page = Page::new(Locale::En, Text { zh: "标题", en: "Title" });
        page.error = Some(hostile.to_owned());
        page.facts = vec![(Text { zh: "用户名", en: "User name" }, hostile.to_owned())];
        page.fields = vec![Field::token(hostile, Locale::En)];
        page.buttons = vec![("verify", Text { zh: "验证", en: "Verify" })];
        let answer = page.respond(StatusCode::OK).unwrap();
        let html = to_bytes(answer.into_body()).await.unwrap();
        let html = std::str::from_utf8(&html).unwrap();
        assert!(!html.contains("<script>") && !html.contains("\"'"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }
}
