//! `menjin mail …` and `menjin users reset-link`.

use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::Context as _;
use menjin_api::MailResponse;
use menjin_domain::accounts::{Email, LoginName};
use menjin_domain::audit::AuditContext;
use menjin_domain::common::{Clock as _, RequestContext};
use menjin_domain::credentials::MakeResetLink;
use menjin_domain::mail::{Mail, MailId, MailKind, MailQuery, MailState};
use menjin_infra_credentials::DerivedKeys;
use menjin_infra_memory::SystemClock;

use crate::cli::{ListMailsArgs, MailStateName};
use crate::settings::Settings;
use crate::store;
use crate::{mail, secret};

/// `menjin mail test`: sends a mail, and waits for the mail server's answer.
pub(crate) async fn test(settings: &Settings, to: &str) -> anyhow::Result<()> {
    let to = Email::parse(to).context("--to")?;
    let mailer = mail::mailer(settings)?.context("mail.mode is off: no mails are sent")?;
    let at = SystemClock.now();
    let trial = Mail {
        message_id: format!("trial.{}@localhost", at.timestamp_micros()),
        to: to.as_str().to_owned(),
        username: None,
        ..mail::sample(MailKind::Test, settings.locale.default.value)
    };
    mailer.send(&trial).await.context("the mail was not sent")?;
    writeln!(io::stdout(), "sent a trial mail to {to}")?;
    Ok(())
}

/// `menjin mail list`
pub(crate) async fn list(settings: &Settings, args: &ListMailsArgs) -> anyhow::Result<()> {
    let state = args.state.map(|state| match state {
        MailStateName::Queued => MailState::Queued,
        MailStateName::Sent => MailState::Sent,
        MailStateName::Failed => MailState::Failed,
    });
    let outbox = store::open_existing(settings).await?.outbox;
    let page = outbox.list(MailQuery { state, user: None, after: None, limit: args.limit }).await?;
    let mut out = io::stdout().lock();
    for mail in &page.mails {
        if args.json {
            serde_json::to_writer(&mut out, &MailResponse::from(mail))?;
            writeln!(out)?;
            continue;
        }
        let recipient = mail.recipient.as_deref().unwrap_or("-");
        let error = mail.error.as_ref().map(|(code, text)| format!("  {code} {text}"));
        let (id, at) = (mail.id, menjin_domain::common::rfc3339(mail.created_at));
        let (state, kind) = (mail.state.as_str(), mail.kind);
        writeln!(out, "{id}  {at}  {state}  {kind}  {recipient}{}", error.unwrap_or_default())?;
    }
    if !args.json {
        writeln!(out, "{} of {}", page.mails.len(), page.total)?;
    }
    Ok(())
}

/// `menjin mail retry`
pub(crate) async fn retry(settings: &Settings, id: i64) -> anyhow::Result<()> {
    let id = MailId::try_from(id)?;
    let outbox = store::open_existing(settings).await?.outbox;
    let context = AuditContext::anonymous(SystemClock.now(), RequestContext::local());
    let mail = outbox.retry(id, context).await?;
    writeln!(io::stdout(), "mail {} is queued again", mail.id)?;
    Ok(())
}

/// `menjin users reset-link`
pub(crate) async fn reset_link(settings: &Settings, name: &str) -> anyhow::Result<()> {
    let name = LoginName::parse(name).context("the name")?;
    let store = store::open_existing(settings).await?;
    let secret = secret::signing_secret(settings)?;
    let use_case = MakeResetLink::standalone(
        store.one_time_tokens.clone(),
        Arc::new(DerivedKeys::new(&secret, &settings.auth.verify_only_secrets())),
        store.audit_records.clone(),
        Arc::new(SystemClock),
        settings.mail.policy(settings.public_url(), settings.locale.default.value),
    );
    let (user, link) = use_case.execute(&name).await?;
    writeln!(io::stdout(), "{}#{}", link.page, link.token.expose())?;
    let valid = humantime::format_duration(link.lifetime);
    eprintln!("menjin: for {}, valid for {valid}, once", user.username);
    Ok(())
}
