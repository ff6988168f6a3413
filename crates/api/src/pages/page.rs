//! How a page is written: all of them by one template, from what a page is made of.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE,
};
use menjin_domain::common::Timestamp;
use menjin_web::Locale;
use minijinja::context;

use super::navigation::PASSKEY_OPTIONS;
use super::parts::{Button, Chart, Field, Item, Search};
use crate::http::reply::begin_error;
use crate::prelude::*;
use crate::state::PageSettings;

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) locale: Locale,
    pub(crate) title: Text,
    /// What has been done.
    pub(crate) notice: Option<Text>,
    pub(crate) error: Option<String>,
    pub(crate) lines: Vec<Text>,
    /// What is shown of an account: a label and a value.
    pub(crate) facts: Vec<(Text, String)>,
    /// Numbers that are looked at first: what each counts, and the number.
    pub(crate) numbers: Vec<(String, String)>,
    pub(crate) charts: Vec<Chart>,
    /// An image in SVG, with what it shows.
    pub(crate) image: Option<(String, Text)>,
    /// What is to be written down.
    pub(crate) codes: Vec<String>,
    pub(crate) search: Option<Search>,
    pub(crate) items: Vec<Item>,
    /// What the fields are for, where there is more on the page.
    pub(crate) fields_title: Option<Text>,
    pub(crate) fields: Vec<Field>,
    pub(crate) buttons: Vec<Button>,
    /// Where else to go: addresses, and what they are called.
    pub(crate) links: Vec<(Cow<'static, str>, Text)>,
    /// Whether the form is sent as soon as the script has the token.
    pub(crate) sends_itself: bool,
    /// Where the form is sent, if not here.
    pub(crate) sends_to: Option<&'static str>,
    /// Whether a passkey may answer where a code is asked for.
    pub(crate) takes_passkeys: bool,
    /// Whether it changes by itself: the script looks again.
    pub(crate) is_waiting: bool,
    pub(super) form_token: String,
    pub(super) settings: Arc<PageSettings>,
    /// The name of whoever is logged in.
    pub(super) user: Option<String>,
    /// The pages that are listed on this one.
    pub(super) navigation: Vec<(&'static str, Text)>,
    pub(super) cookie: Option<HeaderValue>,
    pub(super) here: String,
    /// Where the pages of the account are, from here.
    pub(super) folder: &'static str,
}

impl Page {
    /// A page with nothing but a title, for nobody in particular: see [`Visitor::page`](super::visitor::Visitor::page).
    pub(super) fn new(settings: Arc<PageSettings>, locale: Locale, title: Text) -> Self {
        Self {
            locale,
            title,
            notice: None,
            error: None,
            lines: Vec::new(),
            facts: Vec::new(),
            numbers: Vec::new(),
            charts: Vec::new(),
            image: None,
            codes: Vec::new(),
            search: None,
            items: Vec::new(),
            fields_title: None,
            fields: Vec::new(),
            buttons: Vec::new(),
            links: Vec::new(),
            sends_itself: false,
            sends_to: None,
            takes_passkeys: false,
            is_waiting: false,
            form_token: String::new(),
            settings,
            user: None,
            navigation: Vec::new(),
            cookie: None,
            here: String::new(),
            folder: "",
        }
    }

    /// The page, saying this.
    pub(crate) fn saying(mut self, line: Text) -> Self {
        self.lines.push(line);
        self
    }

    /// The page, saying that this was done.
    pub(crate) fn noting(self, notice: Text) -> Self {
        Self { notice: Some(notice), ..self }
    }

    /// Leads to another page, with these parameters, from below this one.
    pub(crate) fn lead_to(&mut self, page: &str, parameters: &[(&str, &str)], text: Text) {
        let query = serde_urlencoded::to_string(parameters).unwrap_or_default();
        self.links.push((format!("{page}?{query}").into(), text));
    }

    /// The page, leading to the login where there is a page for it.
    pub(crate) fn with_login(mut self) -> Self {
        if self.settings.account {
            self.links.push(("login".into(), Text { zh: "去登录", en: "Log in" }));
        }
        self
    }

    /// The page for nobody who is logged in any more.
    pub(crate) fn logged_out(self) -> Self {
        Self { user: None, ..self }
    }

    /// The page asking for the token of a mail, to look at it as soon as there is one.
    pub(crate) fn asking_for_token(self) -> Self {
        let line =
            Text { zh: "请粘贴邮件中的验证码。", en: "Paste the code from the mail." };
        let mut page = self.saying(line);
        page.fields = vec![Field::token("")];
        page.buttons = vec![Button::new("look", Text { zh: "继续", en: "Continue" })];
        page.sends_itself = true;
        page
    }

    /// The page as an answer that refuses what was asked of it: what is wrong with a field stands beside it.
    ///
    /// # Errors
    /// What is no fault of whoever sent it.
    pub(crate) fn refuse(mut self, error: impl Into<ApiError>) -> Answer<HttpResponse> {
        let error: ApiError = error.into();
        if error.kind.status() >= 500 {
            return Err(error.into());
        }
        let locale = self.locale;
        let mut elsewhere = Vec::new();
        for problem in &error.fields {
            let text = problem.problem.text(locale);
            let name = problem.field.as_deref().unwrap_or_default();
            match self.fields.iter_mut().find(|field| field.name == name && !field.is_hidden) {
                Some(field) => field.error = Some(text),
                None => elsewhere.push(text),
            }
        }
        self.error = if error.fields.is_empty() {
            Some(error.kind.text().in_locale(locale).to_owned())
        } else {
            elsewhere.into_iter().next()
        };
        self.sends_itself = false;
        let mut response = begin_error(&error).finish();
        // The challenge is for programs; browsers would ask for a password of their own.
        response.headers_mut().remove(actix_web::http::header::WWW_AUTHENTICATE);
        self.write(response)
    }

    /// The page as an answer to what is not done, as it says.
    pub(crate) fn refused(self) -> Answer<HttpResponse> {
        self.write(HttpResponse::build(StatusCode::BAD_REQUEST).finish())
    }

    /// The page as an answer.
    pub(crate) fn respond(self) -> Answer<HttpResponse> {
        self.write(HttpResponse::build(StatusCode::OK).finish())
    }

    /// The page as the body of this answer.
    pub(super) fn write(self, response: HttpResponse) -> Answer<HttpResponse> {
        let html = self.render().map_err(|error| {
            tracing::error!(%error, "a page cannot be rendered");
            ErrorKind::Internal
        })?;
        let mut response = response.set_body(actix_web::body::BoxBody::new(html));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        let policy =
            HeaderValue::try_from(self.settings.policy()).map_err(|_odd| ErrorKind::Internal)?;
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(self.locale.tag()));
        // So that browsers say where a form comes from; nothing of an address goes elsewhere.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        if let Some(cookie) = self.cookie {
            headers.insert(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    pub(super) fn render(&self) -> Result<String, minijinja::Error> {
        let locale = self.locale;
        let said = |text: &Text| text.in_locale(locale);
        let pairs = |pairs: &[(&'static str, Text)]| {
            pairs.iter().map(|(to, text)| (*to, said(text))).collect::<Vec<_>>()
        };
        let (fields, buttons) = (self.fields.iter(), self.buttons.iter());
        let buttons = buttons.map(|button| {
            context! {
                action => button.action,
                text => said(&button.text),
                danger => button.is_danger,
                alone => !button.needs_fields,
            }
        });
        let items = self.items.iter().map(|item| item.values(locale));
        let search = self.search.as_ref().map(|search| {
            let fields = search.fields.iter().map(|field| field.values(locale));
            (fields.collect::<Vec<_>>(), said(&search.button))
        });
        let image = self.image.as_ref().map(|(svg, text)| (data_uri(svg), said(text)));
        let reads_fragment = |field: &Field| field.name == "token" && !field.is_hidden;
        let words = context! {
            choose => said(&Text { zh: "选择", en: "Choose" }),
            log_out => said(&Text { zh: "退出登录", en: "Log out" }),
            log_in => said(&Text { zh: "登录", en: "Log in" }),
            optional => said(&Text { zh: "选填", en: "optional" }),
            skip => said(&Text { zh: "跳到正文", en: "Skip to the content" }),
            account => said(&Text { zh: "账户", en: "Account" }),
            passkey_failed => said(&PASSKEY_FAILED),
            passkey_given => said(&PASSKEY_GIVEN),
        };
        let has = |name: &str| self.fields.iter().any(|field| field.name == name);
        // The field that takes the answer of a passkey, and what the button says.
        let passkey = if has("options") {
            Some(("options", ""))
        } else if has("credential") {
            Some(("credential", said(&LOG_IN_BY_PASSKEY)))
        } else if has("code") && self.takes_passkeys {
            Some(("code", said(&USE_PASSKEY)))
        } else {
            None
        };
        self.settings.theme.template()?.render(context! {
            lang => locale.tag(),
            words => words,
            site => self.settings.name.as_str(),
            logo => self.settings.theme.logo().map(|_logo| "logo"),
            title => said(&self.title),
            notice => self.notice.as_ref().map(said),
            error => self.error.as_deref(),
            lines => self.lines.iter().map(said).collect::<Vec<_>>(),
            facts => self.facts.iter().map(|(label, value)| (said(label), value.clone())).collect::<Vec<_>>(),
            numbers => &self.numbers,
            charts => self.charts.iter().map(|chart| chart.values(locale)).collect::<Vec<_>>(),
            image => image,
            codes => &self.codes,
            search => search,
            items => items.collect::<Vec<_>>(),
            passkey => passkey,
            passkey_options => PASSKEY_OPTIONS,
            needs_script => passkey.is_some() || self.is_waiting || self.search.is_some() || self.fields.iter().any(reads_fragment),
            is_waiting => self.is_waiting,
            sends_to => self.sends_to,
            sends_file => self.fields.iter().any(|field| field.kind == "file"),
            sends_itself => self.sends_itself,
            fields => fields.map(|field| field.values(locale)).collect::<Vec<_>>(),
            fields_title => self.fields_title.as_ref().map(said),
            buttons => buttons.collect::<Vec<_>>(),
            links => self.links.iter().map(|(to, text)| (to.clone(), said(text))).collect::<Vec<_>>(),
            form_token => self.form_token.as_str(),
            user => self.user.as_deref(),
            here => self.here.as_str(),
            navigation => pairs(&self.navigation),
            account => self.folder,
            has_account_pages => self.settings.account,
        })
    }
}

const LOG_IN_BY_PASSKEY: Text =
    Text { zh: "使用通行密钥登录", en: "Log in with a passkey" };
const USE_PASSKEY: Text = Text { zh: "使用通行密钥", en: "Use a passkey" };
const PASSKEY_GIVEN: Text =
    Text { zh: "通行密钥已确认，请继续。", en: "Your passkey has answered: go on." };
const PASSKEY_FAILED: Text = Text {
    zh: "没有使用通行密钥：操作被取消、超时，或此设备、此网址不支持。",
    en: "No passkey was used: it was cancelled, took too long, or this device or address knows none.",
};

/// A time, for people: to the minute, in the zone that servers agree upon.
pub(crate) fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// An image in the page itself.
fn data_uri(svg: &str) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(svg);
    format!("data:image/svg+xml;base64,{encoded}")
}

/// An answer that leads to another page: its address is that of the other one then, so that nothing is sent
/// again with the page.
pub(crate) fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, to)).finish()
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;
    use crate::pages::parts::ItemButton;

    #[actix_web::test]
    async fn m6_what_people_wrote_is_text_on_a_page() {
        let hostile = "<script>alert(1)</script>\"'";
        let label = Text { zh: "用户名", en: "User name" };
        let settings =
            PageSettings { name: hostile.to_owned(), account: true, ..PageSettings::default() };
        let title = Text { zh: "标题", en: "Title" };
        let mut page = Page::new(settings.into(), Locale::En, title);
        page.error = Some(hostile.to_owned());
        page.facts = vec![(label, hostile.to_owned())];
        page.codes = vec![hostile.to_owned()];
        page.user = Some(hostile.to_owned());
        page.items = vec![Item {
            title: hostile.to_owned(),
            link: Some(hostile.to_owned()),
            details: vec![hostile.to_owned()],
            buttons: vec![ItemButton::danger(hostile, label)],
            tag: None,
            choice: Some(hostile.to_owned()),
        }];
        let found = vec![Field::text("q", label, "off", hostile)];
        page.search = Some(Search { fields: found, button: label });
        let mut field = Field::text("username", label, "username", hostile);
        field.error = Some(hostile.to_owned());
        page.fields = vec![Field::token(hostile), field.clone().lines(), field];
        page.buttons = vec![Button::new("verify", Text { zh: "验证", en: "Verify" })];
        page.image = Some((hostile.to_owned(), label));
        let answer = page.respond().unwrap();
        let html = to_bytes(answer.into_body()).await.unwrap();
        let html = std::str::from_utf8(&html).unwrap();
        assert!(!html.contains("<script>") && !html.contains("\"'"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 19, "{html}");
    }
}
