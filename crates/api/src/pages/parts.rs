//! What pages are made of: fields, buttons, entries of lists.

use std::borrow::Cow;

use menjin_web::Locale;
use minijinja::{Value, context};

use crate::prelude::*;

/// A field of the form.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(super) name: Cow<'static, str>,
    label: Text,
    hint: Option<Text>,
    pub(super) kind: &'static str,
    value: String,
    autocomplete: &'static str,
    pub(super) is_hidden: bool,
    is_required: bool,
    is_plain: bool,
    /// What can be chosen: what is sent, and how it is called.
    options: Vec<(String, Choice)>,
    pub(super) error: Option<String>,
}

impl Field {
    /// A line of text; `autocomplete` is what browsers fill it with.
    pub(crate) fn text(
        name: &'static str,
        label: Text,
        autocomplete: &'static str,
        value: impl Into<String>,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            label,
            hint: None,
            kind: "text",
            value: value.into(),
            autocomplete,
            is_hidden: false,
            is_required: true,
            is_plain: false,
            options: Vec::new(),
            error: None,
        }
    }

    /// The token of a link: hidden once it is known.
    pub(crate) fn token(value: &str) -> Self {
        let label = Text { zh: "邮件中的验证码", en: "The code in the mail" };
        Self { is_hidden: !value.is_empty(), ..Self::text("token", label, "off", value) }
    }

    /// What goes along with a form.
    pub(crate) fn hidden(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let label = Text { zh: "", en: "" };
        Self { is_hidden: true, name: name.into(), ..Self::text("", label, "off", value) }
    }

    /// What the browser gives that has asked an authenticator: the script fills it in.
    pub(crate) fn credential() -> Self {
        Self::hidden("credential", "")
    }

    /// An e-mail address.
    pub(crate) fn email(value: impl Into<String>) -> Self {
        let label = Text { zh: "邮箱", en: "E-mail address" };
        Self { kind: "email", ..Self::text("email", label, "email", value) }
    }

    /// A new password.
    pub(crate) fn new_password(name: &'static str, label: Text) -> Self {
        Self { kind: "password", ..Self::text(name, label, "new-password", "") }
    }

    /// The password that the account has.
    pub(crate) fn current_password(name: &'static str) -> Self {
        let label = Text { zh: "密码", en: "Password" };
        Self { kind: "password", ..Self::text(name, label, "current-password", "") }
    }

    /// A code of the second factor.
    pub(crate) fn code() -> Self {
        let label =
            Text { zh: "验证码或恢复码", en: "Code of your app, or a recovery code" };
        Self::text("code", label, "one-time-code", "")
    }

    /// One of several, which have names of their own, or all of them.
    pub(crate) fn filter(
        name: &'static str,
        label: Text,
        value: &str,
        names: impl Iterator<Item = String>,
    ) -> Self {
        let all = (String::new(), Choice::Text(Text { zh: "全部", en: "all" }));
        let names = names.map(|name| (name.clone(), Choice::Name(name)));
        let options = [all].into_iter().chain(names).collect();
        Self { kind: "choice", options, ..Self::text(name, label, "off", value) }
    }

    /// One of several, which have names of their own.
    pub(crate) fn names(
        name: &'static str,
        label: Text,
        value: &str,
        names: impl Iterator<Item = String>,
    ) -> Self {
        let options = names.map(|name| (name.clone(), Choice::Name(name))).collect();
        Self { kind: "choice", options, ..Self::text(name, label, "off", value) }
    }

    /// A file.
    pub(crate) fn file(name: &'static str, label: Text) -> Self {
        Self { kind: "file", ..Self::text(name, label, "off", "") }
    }

    /// Something that is so or not.
    pub(crate) fn check(name: &'static str, label: Text) -> Self {
        Self { kind: "checkbox", is_required: false, ..Self::text(name, label, "off", "true") }
    }

    /// A number.
    pub(crate) fn number(self) -> Self {
        Self { kind: "number", ..self }
    }

    /// One about which nothing is said whether it has to be filled in.
    pub(crate) fn plain(self) -> Self {
        Self { is_plain: true, ..self }
    }

    /// One of several.
    pub(crate) fn choice(
        name: &'static str,
        label: Text,
        value: &str,
        options: Vec<(&'static str, Text)>,
    ) -> Self {
        let options = options.into_iter();
        let options = options.map(|(sent, text)| (sent.to_owned(), Choice::Text(text))).collect();
        Self { kind: "choice", options, ..Self::text(name, label, "off", value) }
    }

    /// Several lines.
    pub(crate) fn lines(self) -> Self {
        Self { kind: "lines", ..self }
    }

    /// One that may be left empty.
    pub(crate) fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    /// One with something said about it.
    pub(crate) fn with_hint(self, hint: Text) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(super) fn values(&self, locale: Locale) -> Value {
        let options = self.options.iter();
        context! {
            name => self.name.as_ref(),
            label => self.label.in_locale(locale),
            hint => self.hint.map(|hint| hint.in_locale(locale)),
            kind => self.kind,
            value => self.value.as_str(),
            autocomplete => self.autocomplete,
            hidden => self.is_hidden,
            required => self.is_required && !self.is_hidden,
            plain => self.is_plain,
            options => options.map(|(sent, choice)| (sent.clone(), choice.said(locale))).collect::<Vec<_>>(),
            error => self.error.as_deref(),
        }
    }
}

/// How something that can be chosen is called.
#[derive(Debug, Clone)]
enum Choice {
    Text(Text),
    Name(String),
}

impl Choice {
    fn said(&self, locale: Locale) -> String {
        match self {
            Self::Text(text) => text.in_locale(locale).to_owned(),
            Self::Name(name) => name.clone(),
        }
    }
}

/// How often something happened: a name and a number each.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) title: Text,
    pub(crate) bars: Vec<(String, u64)>,
}

impl Chart {
    pub(super) fn values(&self, locale: Locale) -> Value {
        let most = self.bars.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
        // How long each bar is, of 100.
        let bar = |(name, count): &(String, u64)| (name.clone(), *count, count * 100 / most);
        let bars: Vec<_> = self.bars.iter().map(bar).collect();
        context! { title => self.title.in_locale(locale), bars => bars }
    }
}

/// A form that finds something, and changes nothing.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) fields: Vec<Field>,
    pub(crate) button: Text,
}

/// A button: it sends the form, with `action` as this.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Button {
    pub(crate) action: &'static str,
    pub(crate) text: Text,
    /// Whether it takes something away; then nothing has to be filled in for it, unless the page asks.
    pub(crate) is_danger: bool,
    pub(crate) needs_fields: bool,
}

impl Button {
    /// The one that a form is there for.
    pub(crate) fn new(action: &'static str, text: Text) -> Self {
        Self { action, text, is_danger: false, needs_fields: true }
    }

    /// One that takes something away.
    pub(crate) fn danger(action: &'static str, text: Text) -> Self {
        Self { is_danger: true, ..Self::new(action, text) }
    }

    /// One for which nothing has to be filled in.
    pub(crate) fn alone(self) -> Self {
        Self { needs_fields: false, ..self }
    }
}

/// A button of an entry: what it sends as `item`.
#[derive(Debug, Clone)]
pub(crate) struct ItemButton {
    pub(crate) sends: String,
    pub(crate) text: Text,
    /// Whether it takes something away.
    pub(crate) is_danger: bool,
}

impl ItemButton {
    /// One that takes something away.
    pub(crate) fn danger(sends: impl Into<String>, text: Text) -> Self {
        Self { sends: sends.into(), text, is_danger: true }
    }

    /// Any other.
    pub(crate) fn new(sends: impl Into<String>, text: Text) -> Self {
        Self { sends: sends.into(), text, is_danger: false }
    }
}

/// An entry of a list: what it is called, and more about it.
#[derive(Debug, Default)]
pub(crate) struct Item {
    pub(crate) title: String,
    /// Where there is more about it.
    pub(crate) link: Option<String>,
    pub(crate) details: Vec<String>,
    pub(crate) buttons: Vec<ItemButton>,
    /// A word about it.
    pub(crate) tag: Option<Text>,
    /// The name of the box with which it is chosen.
    pub(crate) choice: Option<String>,
}

impl Item {
    pub(super) fn values(&self, locale: Locale) -> Value {
        let buttons = self.buttons.iter();
        let buttons = buttons.map(|button| {
            context! {
                sends => button.sends.as_str(),
                text => button.text.in_locale(locale),
                danger => button.is_danger,
            }
        });
        context! {
            title => self.title.as_str(),
            details => &self.details,
            link => self.link.as_deref(),
            buttons => buttons.collect::<Vec<_>>(),
            tag => self.tag.map(|tag| tag.in_locale(locale)),
            choice => self.choice.as_deref(),
        }
    }
}
