//! What mails say.

use std::fs;
use std::path::{Path, PathBuf};

use menjin_domain::common::{ClientInfo, Locale, Timestamp};
use menjin_domain::mail::{Link, Mail, MailKind};
use menjin_domain::one_time::OneTimeToken;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use crate::failure::is_shown;

const LOCALES: [Locale; 2] = [Locale::ZhCn, Locale::En];

/// The longest value in a mail, and the longest subject, in characters.
const MAX_VALUE: usize = 256;

macro_rules! template {
    ($folder:literal, $kind:literal, $part:literal) => {
        (
            concat!($folder, $kind, $part),
            include_str!(concat!("../templates/", $folder, $kind, $part)),
        )
    };
}

macro_rules! built_in {
    ($($kind:literal),* $(,)?) => {
        &[
            ("layout.html", include_str!("../templates/layout.html")),
            $(
                template!("en/", $kind, ".subject.txt"),
                template!("en/", $kind, ".txt"),
                template!("en/", $kind, ".html"),
                template!("zh-CN/", $kind, ".subject.txt"),
                template!("zh-CN/", $kind, ".txt"),
                template!("zh-CN/", $kind, ".html"),
            )*
        ]
    };
}

/// All templates there are: an operator may replace each, and add none.
const BUILT_IN: &[(&str, &str)] = built_in![
    "verify_email",
    "reset_password",
    "password_changed",
    "change_email",
    "email_changed",
    "email_restored",
    "invitation",
    "account_deletion",
    "factor_added",
    "factor_removed",
    "factor_locked",
    "recovery_code_used",
    "recovery_codes_renewed",
    "test",
];

/// Why the templates of a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read, or is not UTF-8.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No mail has a template of this name.
    #[error("{}: no mail has a template of this name", path.display())]
    Unknown {
        /// The file or folder.
        path: PathBuf,
    },
    /// It does not parse, has an unknown variable, or does not show what it has to.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The templates of mails, in each language: `en/reset_password.subject.txt`,
/// `en/reset_password.txt`, `en/reset_password.html` and so on, and `layout.html`, which those of HTML
/// share.
///
/// They are in the language of Jinja, and may use `site`, `to`, `username` (or none), `at`, `address`
/// (from where the cause came), `lang`, `deletes_at` (or none), and in mails with a link `link`, `page` (the link without its
/// token), `token` and `lifetime`, in words.
///
/// In HTML all values are escaped. In no part can a value add a line or change the direction of text.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    site: String,
}

/// A mail as it is read.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl Templates {
    /// The built-in templates, or those of the same names in the folder where it has them. Hidden
    /// files in it are left alone. `site_name` is the name of the site that mails speak of.
    ///
    /// # Errors
    /// A file that is unknown, unreadable or wrong: it would be noticed only when a mail is to be
    /// sent. All templates are filled in once with a sample.
    pub fn new(folder: Option<&Path>, site_name: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if is_html(name) { AutoEscape::Html } else { AutoEscape::None }
        });
        let replaced = folder.map(replacements).transpose()?.unwrap_or_default();
        let folder = folder.unwrap_or(Path::new(""));
        let invalid = |name: &str, error: &minijinja::Error| TemplateError::Invalid {
            path: folder.join(error.name().unwrap_or(name)),
            reason: error.to_string(),
        };
        for (name, source) in BUILT_IN {
            environment.add_template(name, source).map_err(|error| invalid(name, &error))?;
        }
        for (name, source) in replaced {
            environment.add_template_owned(name, source).map_err(|error| invalid(name, &error))?;
        }
        let templates = Self { environment, site: plain(site_name) };
        for locale in LOCALES {
            for kind in MailKind::ALL {
                templates.try_out(locale, kind, folder)?;
            }
        }
        Ok(templates)
    }

    /// Fills in the templates of one kind of mail.
    fn try_out(&self, locale: Locale, kind: MailKind, folder: &Path) -> Result<(), TemplateError> {
        let token = OneTimeToken::from_bytes(&[0x5a; 32]);
        let link = kind.purpose().map(|purpose| Link {
            page: format!("https://site.example{}", purpose.page()),
            token: token.clone(),
            lifetime: std::time::Duration::from_secs(1800),
        });
        let mut mail = Mail {
            message_id: String::new(),
            kind,
            to: "ann@site.example".to_owned(),
            locale,
            username: Some("ann".to_owned()),
            deletes_at: Some(Timestamp::UNIX_EPOCH),
            link,
            client: ClientInfo::at(std::net::Ipv4Addr::LOCALHOST.into()),
            at: Timestamp::UNIX_EPOCH,
        };
        let without_link = (kind == MailKind::EmailChanged).then_some((None, None));
        let name = || Some("ann".to_owned());
        let with_link = [(None, mail.link.clone()), (name(), mail.link.clone())];
        for (username, link) in with_link.into_iter().chain(without_link) {
            (mail.username, mail.link) = (username, link);
            for (part, has_link) in [("subject.txt", false), ("txt", true), ("html", true)] {
                let name = format!("{}/{kind}.{part}", locale.tag());
                let invalid = |name: &str, reason: String| TemplateError::Invalid {
                    path: folder.join(name),
                    reason,
                };
                let written = self
                    .render(&name, &mail)
                    .map_err(|error| invalid(error.name().unwrap_or(&name), error.to_string()))?;
                if written.trim().is_empty() {
                    return Err(invalid(&name, "it says nothing".to_owned()));
                }
                let url = mail.link.as_ref().map(url).unwrap_or_default();
                if has_link && !written.contains(&url) {
                    return Err(invalid(&name, "it does not show {{ link }}".to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Writes a mail down.
    pub(crate) fn write(&self, mail: &Mail) -> Result<Written, minijinja::Error> {
        let part =
            |part: &str| self.render(&format!("{}/{}.{part}", mail.locale.tag(), mail.kind), mail);
        // A subject is a line, whatever its template is.
        let subject = part("subject.txt")?;
        let words: Vec<&str> = subject.split_whitespace().collect();
        Ok(Written {
            // Who reads it would decode `=?…?=`, to line breaks if it says so (RFC 2047).
            subject: plain(&words.join(" ").replace("=?", "= ?")),
            text: lines(&part("txt")?),
            html: lines(&part("html")?),
        })
    }

    fn render(&self, name: &str, mail: &Mail) -> Result<String, minijinja::Error> {
        let template = self.environment.get_template(name)?;
        let link = mail.link.as_ref();
        let is_html = is_html(template.name());
        // `minijinja` would write each slash as a reference, which filters of mails do not like.
        let address = |text: String| {
            if is_html { Value::from_safe_string(escaped(&text)) } else { Value::from(text) }
        };
        template.render(context! {
            lang => mail.locale.tag(),
            site => &self.site,
            to => plain(&mail.to),
            username => mail.username.as_deref().map(plain),
            link => link.map(url).map(address),
            page => link.map(|link| link_part(&link.page)).map(address),
            token => link.map(|link| link.token.expose()),
            lifetime => link.map(|link| lifetime(link.lifetime.as_secs(), mail.locale)),
            address => mail.client.address.to_canonical().to_string(),
            at => moment(mail.at),
            deletes_at => mail.deletes_at.map(moment),
        })
    }
}

fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn is_html(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "html")
}

/// The files of a folder, by the names of the templates that they replace.
fn replacements(folder: &Path) -> Result<Vec<(&'static str, String)>, TemplateError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::Unreadable { path, source }
    };
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((path, prefix)) = folders.pop() {
        for entry in fs::read_dir(&path).map_err(unreadable(&path))? {
            let entry = entry.map_err(unreadable(&path))?;
            let (path, file) = (entry.path(), entry.file_name());
            // Kubernetes mounts files beside hidden folders, and links to them.
            if file.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let name = format!("{prefix}{}", file.to_string_lossy());
            let is_folder = fs::metadata(&path).map_err(unreadable(&path))?.is_dir();
            if is_folder && LOCALES.iter().any(|locale| locale.tag() == name) {
                folders.push((path, format!("{name}/")));
                continue;
            }
            let known = BUILT_IN.iter().find(|(known, _)| *known == name && !is_folder);
            let Some((name, _)) = known else {
                return Err(TemplateError::Unknown { path });
            };
            let source = fs::read_to_string(&path).map_err(unreadable(&path))?;
            // Some editors put a mark of the byte order before it.
            let source = source.strip_prefix('\u{feff}').unwrap_or(&source).to_owned();
            found.push((*name, source));
        }
    }
    Ok(found)
}

/// The link with its token, which no server and no proxy sees.
fn url(link: &Link) -> String {
    format!("{}#{}", link_part(&link.page), link.token.expose())
}

/// A page, without what cannot be in a link.
fn link_part(page: &str) -> String {
    page.chars().filter(|c| is_shown(*c) && !c.is_whitespace()).collect()
}

/// A value on one line, as it reads.
fn plain(value: &str) -> String {
    let value = value.chars().map(|c| if c.is_control() { ' ' } else { c });
    value.filter(|c| is_shown(*c)).take(MAX_VALUE).collect()
}

/// A text with line feeds alone, and without other control characters.
fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text.chars().filter(|c| is_shown(*c) || matches!(c, '\n' | '\t')).collect();
    format!("{}\n", text.trim_end())
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// How long a link is valid, in words: whole hours, or minutes; days from three on.
fn lifetime(seconds: u64, locale: Locale) -> String {
    // Of an invitation a moment has passed since it was made.
    let seconds = seconds.saturating_add(30);
    let minutes = (seconds / 60).max(1);
    let days = minutes / (24 * 60);
    if days >= 3 {
        return match locale {
            Locale::ZhCn => format!("{days} 天"),
            Locale::En => format!("{days} days"),
        };
    }
    let (count, is_hours) = match minutes {
        // What is left of an invitation is no whole number of anything.
        180.. => (minutes / 60, true),
        minutes if minutes.is_multiple_of(60) => (minutes / 60, true),
        minutes => (minutes, false),
    };
    match (locale, is_hours) {
        (Locale::ZhCn, true) => format!("{count} 小时"),
        (Locale::ZhCn, false) => format!("{count} 分钟"),
        (Locale::En, true) if count == 1 => "1 hour".to_owned(),
        (Locale::En, true) => format!("{count} hours"),
        (Locale::En, false) if count == 1 => "1 minute".to_owned(),
        (Locale::En, false) => format!("{count} minutes"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
