//! Mail: the ports of the settings, and the worker that delivers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use menjin_api::{DevMail, DevMails};
use menjin_domain::common::{Causes, ClientInfo, Clock as _, Locale, PortError, rfc3339};
use menjin_domain::mail::{Link, Mail, MailKind, Mailer, Outbox, Post};
use menjin_domain::one_time::{OneTimeToken, Purpose};
use menjin_infra_credentials::DerivedKeys;
use menjin_infra_mail::{
    FileMailer, MailConfigError, SentMail, SentMailBody, SentMails, SmtpMailer, Templates,
    check_sender,
};
use menjin_infra_memory::SystemClock;

use crate::secret;
use crate::settings::{MailMode, Settings, SettingsError};

/// What mails say, as the settings say.
fn templates(settings: &Settings) -> Result<Arc<Templates>, SettingsError> {
    let templates = Templates::new(settings.mail.templates(), &settings.mail.site);
    let bad = |error| SettingsError::bad("mail.templates", Causes(&error).to_string());
    templates.map(Arc::new).map_err(bad)
}

fn smtp(settings: &Settings) -> Result<SmtpMailer, SettingsError> {
    SmtpMailer::new(settings.mail.smtp()?, templates(settings)?).map_err(|error| bad(&error))
}

/// The setting that is wrong.
fn bad(error: &MailConfigError) -> SettingsError {
    let name = match error {
        MailConfigError::Sender(_) => "mail.from",
        MailConfigError::Host(_) | MailConfigError::HelloName(_) => "mail.smtp.host",
        MailConfigError::HalfCredentials => "mail.smtp.password",
        MailConfigError::Authorities(_) | MailConfigError::NoAuthorities => "mail.smtp.ca",
        MailConfigError::Nothing => "mail.smtp.connections",
    };
    SettingsError::bad(name, Causes(error).to_string())
}

/// Checks templates, sender and certificates, and makes nothing.
///
/// # Errors
/// A template that cannot be used, or a setting that is invalid.
pub(crate) fn check(settings: &Settings) -> Result<(), SettingsError> {
    match settings.mail.mode {
        MailMode::Off => Ok(()),
        MailMode::File => {
            check_sender(settings.mail.from(), templates(settings)?).map_err(|error| bad(&error))
        }
        MailMode::Smtp => smtp(settings).map(drop),
    }
}

/// What sends mails, as the settings say; `None` if none are sent.
///
/// # Errors
/// As [`check`].
pub(crate) fn mailer(settings: &Settings) -> Result<Option<Arc<dyn Mailer>>, SettingsError> {
    let mail = &settings.mail;
    Ok(match mail.mode {
        MailMode::Off => None,
        MailMode::Smtp => Some(Arc::new(smtp(settings)?)),
        MailMode::File => {
            let made = FileMailer::new(&mail.folder, mail.from(), templates(settings)?);
            Some(Arc::new(made.map_err(|error| bad(&error))?))
        }
    })
}

/// What a command writes into the outbox, which a running server delivers; nothing if none is sent.
///
/// # Errors
/// The secret cannot be read.
pub(crate) fn post(settings: &Settings) -> anyhow::Result<Post> {
    let clock = Arc::new(SystemClock);
    if !settings.mail.is_on() {
        return Ok(Post::none(clock));
    }
    let secret = secret::signing_secret(settings)?;
    let keys = DerivedKeys::new(&secret, &settings.auth.verify_only_secrets());
    Ok(Post::with(Arc::new(keys), clock))
}

/// The mails that were written into files, for `/dev/mail`: in development, and on the loopback
/// interface alone.
pub(crate) fn sent_mails(settings: &Settings) -> Option<Arc<dyn DevMails>> {
    let is_file = settings.mail.mode == MailMode::File;
    let is_here = settings.server.host.is_loopback() && !settings.production;
    let mails = || Arc::new(Folder(SentMails::new(&settings.mail.folder)));
    (is_file && is_here).then(|| mails() as Arc<dyn DevMails>)
}

/// The folder of the files.
struct Folder(SentMails);

#[async_trait]
impl DevMails for Folder {
    async fn list(&self) -> Result<Vec<DevMail>, PortError> {
        let mut mails = Vec::new();
        for SentMail { id, .. } in self.0.list().await? {
            // One that was deleted since is left out.
            if let Some(SentMailBody { mail, text, .. }) = self.0.read(&id).await? {
                let SentMail { to, subject, at, .. } = mail;
                mails.push(DevMail { to, subject, date: rfc3339(at), text });
            }
        }
        Ok(mails)
    }
}

/// A mail with something in each of its parts.
pub(crate) fn sample(kind: MailKind, locale: Locale) -> Mail {
    let token = OneTimeToken::from_bytes(&[0; 32]);
    let link = |purpose: Purpose| Link {
        page: format!("https://accounts.example{}", purpose.page()),
        token: token.clone(),
        lifetime: Duration::from_secs(30 * 60),
    };
    Mail {
        message_id: "trial@localhost".to_owned(),
        kind,
        to: "somebody@example.com".to_owned(),
        locale,
        username: Some("somebody".to_owned()),
        deletes_at: None,
        link: kind.purpose().map(link),
        client: ClientInfo::local(),
        at: SystemClock.now(),
    }
}

/// How often the outbox is measured.
const MEASURED_EVERY: Duration = Duration::from_secs(15);

/// Says for ever how much waits in the outbox.
pub(crate) async fn measure_for_ever(outbox: Arc<dyn Outbox>) {
    metrics::describe_gauge!("menjin_mails_queued", "Mails that wait.");
    metrics::describe_gauge!("menjin_mails_oldest_seconds", "The age of the oldest that waits.");
    let mut ticks = tokio::time::interval(MEASURED_EVERY);
    loop {
        ticks.tick().await;
        let Ok(backlog) = outbox.backlog().await else { continue };
        let age = backlog.oldest.map_or(0, |oldest| (SystemClock.now() - oldest).num_seconds());
        let gauge = |number: i64| f64::from(u32::try_from(number.max(0)).unwrap_or(u32::MAX));
        let queued = i64::try_from(backlog.queued).unwrap_or(i64::MAX);
        metrics::gauge!("menjin_mails_queued").set(gauge(queued));
        metrics::gauge!("menjin_mails_oldest_seconds").set(gauge(age));
    }
}
