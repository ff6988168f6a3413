//! What mails say.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use menjin_domain::common::{Locale, rfc3339};
use menjin_domain::mail::{Mail, MailKind};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

const LOCALES: [Locale; 2] = [Locale::ZhCn, Locale::En];
const LAYOUT: &str = "layout.html";

/// A template of the binary: its name in a folder, and its text.
type BuiltIn = (&'static str, &'static str);

macro_rules! built_in {
    ($($kind:literal),*) => {
        &[
            (LAYOUT, include_str!("../templates/layout.html")),
            $(
                built_in!(file "zh-CN", $kind, ".txt"), built_in!(file "zh-CN", $kind, ".html"),
                built_in!(file "en", $kind, ".txt"), built_in!(file "en", $kind, ".html"),
            )*
        ]
    };
    (file $locale:literal, $kind:literal, $extension:literal) => {(
        concat!($locale, "/", $kind, $extension),
        include_str!(concat!("../templates/", $locale, "/", $kind, $extension)),
    )};
}

const BUILT_IN: &[BuiltIn] =
    built_in!("verify_email", "reset_password", "password_changed", "test");

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file cannot be read.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A template cannot be parsed.
    #[error("{name}: {source}")]
    Broken {
        /// Its name.
        name: String,
        /// What is wrong.
        source: Box<minijinja::Error>,
    },
    /// The folder has a file that replaces nothing.
    #[error("{}: there is no such template; there are {names}", .path.display())]
    Unknown {
        /// Which.
        path: PathBuf,
        /// What may be replaced.
        names: String,
    },
}

/// A mail, written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The subject: one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same in HTML.
    pub html: String,
}

/// The templates of all mails.
#[derive(Debug, Clone)]
pub struct Templates {
    environment: Arc<Environment<'static>>,
    /// What the site is called.
    site: Arc<str>,
}

impl Templates {
    /// The built-in templates, and those of the folder in their place. All are parsed, and each mail
    /// is written once, so that a mistake shows at the start.
    pub fn new(folder: Option<&Path>, site: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            let is_html = Path::new(name).extension().is_some_and(|extension| extension == "html");
            if is_html { AutoEscape::Html } else { AutoEscape::None }
        });
        for (name, text) in BUILT_IN {
            let replaced = folder.map(|folder| replacement(folder, name)).transpose()?.flatten();
            let text = replaced.unwrap_or_else(|| (*text).to_owned());
            environment.add_template_owned((*name).to_owned(), text).map_err(|source| {
                TemplateError::Broken { name: (*name).to_owned(), source: Box::new(source) }
            })?;
        }
        if let Some(folder) = folder {
            knows_all(folder, folder)?;
        }
        Ok(Self { environment: Arc::new(environment), site: site.into() })
    }

    /// Writes a mail down.
    pub fn write(&self, mail: &Mail) -> Result<Written, TemplateError> {
        let name = |extension| format!("{}/{}.{extension}", mail.locale.tag(), mail.kind);
        let text = self.render(&name("txt"), mail)?;
        let html = self.render(&name("html"), mail)?;
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let subject = first.trim_start_matches("Subject:").trim();
        // A header has one line, and no marks that turn it round.
        let subject = subject.chars().filter(|c| !c.is_control() && !is_mark(*c)).collect();
        Ok(Written { subject, text: rest.trim_start().to_owned(), html })
    }

    fn render(&self, name: &str, mail: &Mail) -> Result<String, TemplateError> {
        let one_line = |text: &str| -> String {
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
        };
        let link = mail.link.as_ref();
        let broken = |source: minijinja::Error| TemplateError::Broken {
            name: name.to_owned(),
            source: Box::new(source),
        };
        let template = self.environment.get_template(name).map_err(broken)?;
        let rendered = template.render(context! {
            locale => mail.locale.tag(),
            site => &*self.site,
            username => mail.username.as_deref().map(one_line),
            address => mail.client.address.to_string(),
            at => readable(&rfc3339(mail.at)),
            link => link.map(|link| format!("{}#{}", link.page, link.token.expose())),
            token => link.map(|link| link.token.expose().to_owned()),
            lifetime => link.map(|link| spoken(link.lifetime, mail.locale)),
        });
        rendered.map_err(broken)
    }
}

/// Marks that turn the direction of a text, or cannot be seen.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `2026-11-28 08:00 UTC`.
fn readable(rfc3339: &str) -> String {
    let minutes = rfc3339.get(..16).unwrap_or(rfc3339);
    format!("{} UTC", minutes.replace('T', " "))
}

/// `30 minutes`, `24 hours`.
fn spoken(lifetime: Duration, locale: Locale) -> String {
    let minutes = lifetime.as_secs().div_ceil(60);
    let (number, zh, one, many) = match minutes {
        minutes if minutes >= 120 && minutes % 60 == 0 => (minutes / 60, "小时", "hour", "hours"),
        minutes => (minutes, "分钟", "minute", "minutes"),
    };
    match locale {
        Locale::ZhCn => format!("{number} {zh}"),
        Locale::En => format!("{number} {}", if number == 1 { one } else { many }),
    }
}

fn replacement(folder: &Path, name: &str) -> Result<Option<String>, TemplateError> {
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && folder.is_dir() => Ok(None),
        Err(source) => Err(TemplateError::Unreadable { path, source }),
    }
}

/// Refuses a file that is not the name of a template: what it says would never be sent.
fn knows_all(top: &Path, folder: &Path) -> Result<(), TemplateError> {
    let unreadable = |source| TemplateError::Unreadable { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            knows_all(top, &path)?;
            continue;
        }
        let is_known = path
            .strip_prefix(top)
            .is_ok_and(|name| BUILT_IN.iter().any(|(known, _)| Path::new(known) == name));
        if !is_known {
            let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            return Err(TemplateError::Unknown { path, names: names.join(", ") });
        }
    }
    Ok(())
}

impl Templates {
    /// One mail of each kind in each language, to try the templates with.
    pub fn check(&self, sample: impl Fn(MailKind, Locale) -> Mail) -> Result<(), TemplateError> {
        for locale in LOCALES {
            for kind in MailKind::ALL {
                self.write(&sample(kind, locale))?;
            }
        }
        Ok(())
    }
}
