//! Mail: the ports of the settings, the worker that delivers, and its commands.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use menjin_api::{DevMail, DevMails};
use menjin_domain::common::{Causes, ClientInfo, Clock as _, Locale};
use menjin_domain::mail::{
    DeliverMails, Link, Mail, MailKind, MailPorts, Mailer, Outbox, Settlement,
};
use menjin_domain::one_time::{OneTimeToken, Purpose};
use menjin_infra_credentials::DerivedKeys;
use menjin_infra_mail::{FileMailer, Sender, SentMail, SentMails, SmtpMailer, Templates};
use menjin_infra_memory::SystemClock;

use crate::settings::{MailMode, Settings, SettingsError};
use crate::store::Store;

/// How long the worker waits after the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What sends mails, as the settings say; `None` if none are sent.
///
/// # Errors
/// A template that cannot be used, or a setting that is invalid.
pub(crate) fn mailer(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Mailer>>> {
    let mail = &settings.mail;
    if !mail.is_on() {
        return Ok(None);
    }
    let bad = |name: &str, reason: String| SettingsError::bad(name, reason);
    let templates = Templates::new(mail.templates(), &mail.site)
        .and_then(|templates| templates.check(sample).map(|()| templates))
        .map_err(|error| bad("mail.templates", Causes(&error).to_string()))?;
    let sender =
        Sender::new(mail.from(), templates).map_err(|error| bad("mail.from", error.to_string()))?;
    Ok(Some(match mail.mode {
        MailMode::Off => return Ok(None),
        MailMode::File => Arc::new(
            FileMailer::new(mail.folder.clone(), sender)
                .map_err(|error| bad("mail.folder", error.to_string()))?,
        ),
        MailMode::Smtp => Arc::new(
            SmtpMailer::new(mail.smtp()?, sender)
                .map_err(|error| bad("mail.smtp.ca", error.to_string()))?,
        ),
    }))
}

/// The ports of mail; `None` if none is sent.
///
/// # Errors
/// As [`mailer`].
pub(crate) fn ports(
    settings: &Settings,
    store: &Store,
    keys: DerivedKeys,
) -> anyhow::Result<Option<MailPorts>> {
    let Some(mailer) = mailer(settings)? else { return Ok(None) };
    Ok(Some(MailPorts { outbox: store.outbox(), mailer, tokens: Arc::new(keys) }))
}

/// The mails that were written into files, for `/dev/mail`: in development, and on the loopback
/// interface alone.
pub(crate) fn sent_mails(settings: &Settings) -> Option<Arc<dyn DevMails>> {
    let is_file = settings.mail.mode == MailMode::File;
    let is_here = settings.server.host.is_loopback() && !settings.production;
    let mails = || Arc::new(Folder(SentMails::new(settings.mail.folder.clone())));
    (is_file && is_here).then(|| mails() as Arc<dyn DevMails>)
}

/// The folder of the files.
struct Folder(SentMails);

impl DevMails for Folder {
    fn list(&self) -> io::Result<Vec<DevMail>> {
        let mails = self
            .0
            .list()?
            .into_iter()
            .map(|SentMail { to, subject, date, text, .. }| DevMail { to, subject, date, text });
        Ok(mails.collect())
    }
}

/// A mail with something in each of its parts.
fn sample(kind: MailKind, locale: Locale) -> Mail {
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
        link: kind.purpose().map(link),
        client: ClientInfo::local(),
        at: SystemClock.now(),
    }
}

/// `menjin mail test`: sends a mail to this address, and waits for the mail server's answer.
///
/// # Errors
/// No mails are sent, or the mail server refuses it.
pub(crate) async fn send_trial(settings: &Settings, to: &str) -> anyhow::Result<()> {
    let mailer = mailer(settings)?.context("mail.mode is off: no mails are sent")?;
    let at = SystemClock.now();
    let mail = Mail {
        message_id: format!("trial.{}@localhost", at.timestamp_micros()),
        to: to.to_owned(),
        username: None,
        ..sample(MailKind::Test, settings.locale.default.value)
    };
    mailer.send(&mail).await.context("the mail was not sent")
}

/// Delivers what is in the outbox, for ever.
pub(crate) async fn deliver_for_ever(every: Duration, worker: Arc<DeliverMails>) {
    metrics::describe_counter!("menjin_mails_total", "Mails by kind and by what became of them.");
    loop {
        match worker.execute().await {
            Ok(delivered) if delivered.is_empty() => tokio::time::sleep(every).await,
            Ok(delivered) => {
                for mail in delivered {
                    let outcome = match mail.settlement {
                        Settlement::Sent { .. } => "sent",
                        Settlement::Again { .. } => "deferred",
                        Settlement::Failed { .. } => "failed",
                        Settlement::Postponed { .. } => "postponed",
                        Settlement::Dropped => "dropped",
                    };
                    let labels = [("kind", mail.kind.as_str()), ("outcome", outcome)];
                    metrics::counter!("menjin_mails_total", &labels).increment(1);
                }
            }
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "mails could not be delivered");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
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
