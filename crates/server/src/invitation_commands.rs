//! `menjin invitations …`

use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use menjin_api::{InvitationResponse, IssuedResponse};
use menjin_domain::accounts::{Email, Role};
use menjin_domain::audit::AuditContext;
use menjin_domain::common::{Clock as _, RequestContext, rfc3339};
use menjin_domain::invitations::{
    CreateInvitation, CreateInvitationInput, InvitationId, InvitationLinks, InvitationQuery,
    InvitationTerms,
};
use menjin_infra_credentials::OsRandom;
use menjin_infra_memory::SystemClock;

use crate::cli::{CreateInvitationArgs, ListInvitationsArgs};
use crate::mail;
use crate::settings::Settings;
use crate::store;

/// `menjin invitations create`
pub(crate) async fn create(settings: &Settings, args: &CreateInvitationArgs) -> anyhow::Result<()> {
    let roles = settings.roles()?;
    let known = || roles.all().map(|role| role.to_string()).collect::<Vec<_>>().join(", ");
    let role = args.role.parse().ok().filter(|role| roles.knows(*role));
    let role: Role = role.with_context(|| format!("--role: one of {}", known()))?;
    let email = args.email.as_deref().map(Email::parse).transpose().context("--email")?;
    let terms = InvitationTerms::new(email, role, args.max_uses, args.expires_in, &roles)?;
    let store = store::open_existing(settings).await?;
    let clock = Arc::new(SystemClock);
    let post = mail::post(settings)?;
    let policy = settings.mail.policy(settings.public_url(), settings.locale.default.value);
    let links = InvitationLinks::standalone(post, Arc::new(OsRandom), clock, policy);
    let use_case = CreateInvitation::standalone(store.invitations.clone(), links);
    let issued = use_case.execute_locally(CreateInvitationInput { terms, locale: None }).await?;
    let mut out = io::stdout();
    let answer = IssuedResponse::new(&issued, SystemClock.now(), &roles);
    if args.json {
        serde_json::to_writer(&mut out, &answer)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "{}", answer.link())?;
    let invitation = &issued.invitation;
    let whom = invitation.email.as_ref().map_or_else(
        || format!("whoever has the code {}", issued.link.token.expose()),
        ToString::to_string,
    );
    let valid = humantime::format_duration(invitation.lifetime);
    eprintln!("menjin: invitation {} is for {whom}, valid for {valid}", invitation.id);
    Ok(())
}

/// `menjin invitations list`
pub(crate) async fn list(settings: &Settings, args: &ListInvitationsArgs) -> anyhow::Result<()> {
    let invitations = store::open_existing(settings).await?.invitations;
    let page = invitations.list(InvitationQuery { after: None, limit: args.limit }).await?;
    let (mut out, now, roles) = (io::stdout().lock(), SystemClock.now(), settings.roles()?);
    for invitation in &page.invitations {
        if args.json {
            serde_json::to_writer(&mut out, &InvitationResponse::new(invitation, now, &roles))?;
            writeln!(out)?;
            continue;
        }
        let email = invitation.email.as_ref().map_or("-", Email::as_str);
        let (id, role) = (invitation.id, invitation.role.as_str());
        let (uses, max_uses) = (invitation.uses, invitation.max_uses);
        let (state, until) =
            (invitation.state(now, &roles).as_str(), rfc3339(invitation.expires_at));
        writeln!(out, "{id}  {state}  {role}  {uses}/{max_uses}  until {until}  {email}")?;
    }
    if !args.json {
        writeln!(out, "{} of {}", page.invitations.len(), page.total)?;
    }
    Ok(())
}

/// `menjin invitations revoke`
pub(crate) async fn revoke(settings: &Settings, id: i64) -> anyhow::Result<()> {
    let id = InvitationId::try_from(id)?;
    let invitations = store::open_existing(settings).await?.invitations;
    let context = AuditContext::anonymous(SystemClock.now(), RequestContext::local());
    if !invitations.revoke(id, context).await? {
        bail!("there is no invitation {id}");
    }
    writeln!(io::stdout(), "invitation {id} is revoked")?;
    Ok(())
}
