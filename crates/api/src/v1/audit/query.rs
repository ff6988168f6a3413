//! Which events are asked for.
#![expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]

use garde::Validate;
use menjin_domain::audit::{
    AuditAction, AuditFilter, AuditOutcome, AuditPosition, ListRecords, ListRecordsInput,
};
use menjin_domain::common::{Timestamp, UserId};
use paperclip::actix::Apiv2Schema;
use serde::Deserialize;

use crate::failure::Failure;
use crate::http::field::{Field, valid};
use crate::http::parse;
use crate::http::path::parse_user_id;
use crate::http::time::parse_time;
use crate::problem::{Located, Place, Problem};

type Text = Field<String>;

/// How many events a page has unless the client says.
pub(crate) const DEFAULT_LIMIT: u64 = 20;

/// The query of the list of events.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
pub(in crate::v1) struct AuditQuery {
    #[garde(custom(valid(self::user_id)))]
    user_id: Text,
    #[garde(custom(valid(self::action)))]
    action: Text,
    #[garde(custom(valid(self::outcome)))]
    outcome: Text,
    #[garde(custom(valid(moment)))]
    since: Text,
    #[garde(custom(valid(moment)))]
    until: Text,
    #[garde(custom(valid(position)))]
    before: Text,
    #[garde(custom(valid(self::limit)))]
    limit: Text,
}

fn user_id(field: &Text, (): &()) -> Result<Option<UserId>, Problem> {
    field.optional(|text| parse_user_id(text))
}

fn action(field: &Text, (): &()) -> Result<Option<AuditAction>, Problem> {
    field.optional(|text| text.parse().map_err(|_unknown| Problem::UnknownAction))
}

fn outcome(field: &Text, (): &()) -> Result<Option<AuditOutcome>, Problem> {
    field.optional(|text| text.parse().map_err(|_unknown| Problem::UnknownOutcome))
}

fn moment(field: &Text, (): &()) -> Result<Option<Timestamp>, Problem> {
    field.optional(|text| parse_time(text))
}

fn position(field: &Text, (): &()) -> Result<Option<AuditPosition>, Problem> {
    field.optional(|text| text.parse().map_err(|_invalid| Problem::NotAPosition))
}

fn limit(field: &Text, (): &()) -> Result<u64, Problem> {
    let limit = field.optional(|text| parse::integer(text, 1, ListRecords::MAX_LIMIT))?;
    Ok(limit.unwrap_or(DEFAULT_LIMIT))
}

impl AuditQuery {
    pub(super) fn to_input(&self) -> Result<ListRecordsInput, Failure> {
        let at = |field: &'static str| {
            move |problem: Problem| -> Located { problem.located(Place::Query, field) }
        };
        Ok(ListRecordsInput {
            filter: AuditFilter {
                user: user_id(&self.user_id, &()).map_err(at("user_id"))?,
                action: action(&self.action, &()).map_err(at("action"))?,
                outcome: outcome(&self.outcome, &()).map_err(at("outcome"))?,
                since: moment(&self.since, &()).map_err(at("since"))?,
                until: moment(&self.until, &()).map_err(at("until"))?,
            },
            before: position(&self.before, &()).map_err(at("before"))?,
            limit: limit(&self.limit, &()).map_err(at("limit"))?,
        })
    }
}
