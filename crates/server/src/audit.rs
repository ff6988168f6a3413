//! `menjin audit export`

use std::io::{self, ErrorKind, Write};

use menjin_api::AuditEvent;
use menjin_domain::audit::{AuditFilter, AuditOrder, AuditQuery, AuditRecord, AuditRepository};

use crate::cli::ExportArgs;
use crate::settings::Settings;
use crate::store;

/// How many records are read at once.
const PART: u64 = 1000;

/// Writes records to standard output, one JSON object per line, oldest first.
pub(crate) async fn export(settings: &Settings, args: &ExportArgs) -> anyhow::Result<()> {
    let records = store::open_existing(settings).await?.audit_records;
    let filter = AuditFilter { since: args.since, until: args.until, ..AuditFilter::default() };
    let query = AuditQuery { filter, order: AuditOrder::OldestFirst, beyond: None, limit: PART };
    match write_all(&*records, query, &mut io::BufWriter::new(io::stdout().lock())).await {
        // The reader has seen enough.
        Err(error) if is_broken_pipe(&error) => Ok(()),
        result => result,
    }
}

async fn write_all(
    records: &dyn AuditRepository,
    mut query: AuditQuery,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    loop {
        let part = records.list(query).await?;
        for record in &part {
            serde_json::to_writer(&mut *out, &AuditEvent::from(record))?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        query.beyond = part.last().map(AuditRecord::position);
        // A server that still writes records must not keep the export from ending.
        if (part.len() as u64) < PART {
            return Ok(());
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = match (error.downcast_ref::<io::Error>(), error.downcast_ref::<serde_json::Error>())
    {
        (Some(error), _) => Some(error.kind()),
        (_, Some(error)) => error.io_error_kind(),
        _ => None,
    };
    kind == Some(ErrorKind::BrokenPipe)
}
