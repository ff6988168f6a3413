//! Tables of users: which of their columns are read as what.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use menjin_domain::accounts::AttributeRules;
use menjin_domain::common::Causes;
use menjin_domain::import::{
    ImportColumn, NumberedRow, TableFormat, TableUnreadable, UserTable, UserTables,
};
use menjin_tables::{Format, Limits, Row, Table, TableError};

/// Which heading is which column.
pub(crate) struct Columns {
    /// By `--map`: `None` is not read.
    mapped: BTreeMap<String, Option<ImportColumn>>,
    /// The attributes that there are.
    pub(crate) attributes: Arc<AttributeRules>,
    /// Those of the rows so far: `None` is not read.
    seen: BTreeMap<Arc<str>, Option<ImportColumn>>,
}

/// The columns of a table make no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadColumns {
    #[error("the columns {one:?} and {other:?} are both {name}")]
    Twice { one: Arc<str>, other: Arc<str>, name: String },
    #[error("no column is named {} or {}: the first row names the columns", ImportColumn::Username.name(), ImportColumn::Email.name())]
    NoKey,
}

impl Columns {
    pub(crate) fn new(map: &[String], attributes: Arc<AttributeRules>) -> anyhow::Result<Self> {
        let mut mapped = BTreeMap::new();
        for text in map {
            let (heading, name) = text
                .rsplit_once('=')
                .with_context(|| format!("--map {text}: write it as HEADING=COLUMN"))?;
            let column = if name.is_empty() {
                None
            } else {
                let known = || {
                    let all = ImportColumn::ALL.iter().copied();
                    let all = all.chain(ImportColumn::of_attributes(&attributes));
                    all.map(|column| column.name().to_owned())
                };
                let unknown =
                    || format!("--map {text}: one of {}", known().collect::<Vec<_>>().join(", "));
                Some(ImportColumn::find(name, &attributes).with_context(unknown)?)
            };
            mapped.insert(heading.trim().to_owned(), column);
        }
        Ok(Self { mapped, attributes, seen: BTreeMap::new() })
    }

    pub(crate) fn of(&self, heading: &str) -> Option<ImportColumn> {
        let find = || ImportColumn::find(heading, &self.attributes);
        self.mapped.get(heading).copied().unwrap_or_else(find)
    }

    /// Whether the columns make sense together.
    pub(crate) fn check(&self, headings: &[Arc<str>]) -> Result<(), BadColumns> {
        let mut seen = BTreeMap::new();
        for heading in headings {
            let Some(column) = self.of(heading) else { continue };
            if let Some(one) = seen.insert(column, heading.clone()) {
                let (other, name) = (heading.clone(), column.name().to_owned());
                return Err(BadColumns::Twice { one, other, name });
            }
        }
        let is_known = |column| seen.contains_key(&column);
        if !is_known(ImportColumn::Username) && !is_known(ImportColumn::Email) {
            return Err(BadColumns::NoKey);
        }
        Ok(())
    }

    /// Whether the table has all columns that `--map` names.
    pub(crate) fn check_map(&self, headings: &[Arc<str>]) -> anyhow::Result<()> {
        for column in self.mapped.keys() {
            if !headings.iter().any(|heading| **heading == **column) {
                bail!("--map: the file has no column {column:?}");
            }
        }
        Ok(())
    }

    /// The headings so far that are not read.
    pub(crate) fn unread(&self) -> impl Iterator<Item = &str> {
        self.seen.iter().filter(|(_, column)| column.is_none()).map(|(heading, _)| &**heading)
    }

    /// A row as the use-case takes it.
    fn read(&mut self, row: &Row) -> NumberedRow {
        for (heading, _) in &row.cells {
            if !self.seen.contains_key(heading) {
                self.seen.insert(heading.clone(), self.of(heading));
            }
        }
        let cells = row.cells.iter().filter_map(|(heading, text)| {
            let column = self.seen.get(heading).copied().flatten();
            column.map(|column| (column, text.clone()))
        });
        let cells = cells.collect();
        NumberedRow { number: row.number, cells: Ok(cells) }
    }
}

/// The next rows; of one that cannot be read there is nothing but its number and the reason.
pub(crate) fn next_part(
    table: &mut Table,
    columns: &mut Columns,
    max: usize,
) -> Result<(Vec<Option<Row>>, Vec<NumberedRow>), TableError> {
    let (mut part, mut numbered) = (Vec::new(), Vec::new());
    for row in table.take(max) {
        match row? {
            Ok(row) => {
                numbered.push(columns.read(&row));
                part.push(Some(row));
            }
            Err(fault) => {
                let reason = fault.reason.to_string();
                numbered.push(NumberedRow { number: fault.number, cells: Err(reason) });
                part.push(None);
            }
        }
    }
    Ok((part, numbered))
}

/// Reads tables that were sent to the server.
pub(crate) struct SentTables {
    /// The attributes that there are.
    pub(crate) attributes: Arc<AttributeRules>,
}

/// A table, and which of its columns are read as what.
struct SentTable(Option<(Table, Columns)>);

#[async_trait]
impl UserTables for SentTables {
    async fn open(
        &self,
        format: TableFormat,
        file: Vec<u8>,
    ) -> Result<Box<dyn UserTable>, TableUnreadable> {
        // A workbook is unpacked.
        let attributes = self.attributes.clone();
        let opened = tokio::task::spawn_blocking(move || open(format, file, attributes)).await;
        let table = opened.map_err(|panic| unreadable(&panic))??;
        Ok(Box::new(SentTable(Some(table))))
    }
}

fn open(
    format: TableFormat,
    file: Vec<u8>,
    attributes: Arc<AttributeRules>,
) -> Result<(Table, Columns), TableUnreadable> {
    let format = match format {
        TableFormat::Csv => Format::Csv,
        TableFormat::Ndjson => Format::Ndjson,
        TableFormat::Xlsx => Format::Xlsx,
    };
    let table = menjin_tables::open(format, Cursor::new(file), Limits::default());
    let table = table.map_err(|error| unreadable(&error))?;
    let columns = Columns { mapped: BTreeMap::new(), attributes, seen: BTreeMap::new() };
    // Which keys NDJSON has is known at its end only.
    if !table.headings().is_empty() {
        columns.check(table.headings()).map_err(|error| unreadable(&error))?;
    }
    Ok((table, columns))
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> TableUnreadable {
    TableUnreadable(Causes(error).to_string())
}

#[async_trait]
impl UserTable for SentTable {
    async fn next(&mut self, max: usize) -> Result<Vec<NumberedRow>, TableUnreadable> {
        let Some((mut table, mut columns)) = self.0.take() else { return Ok(Vec::new()) };
        let read = tokio::task::spawn_blocking(move || {
            let rows = next_part(&mut table, &mut columns, max);
            (rows, table, columns)
        });
        let (rows, table, columns) = read.await.map_err(|panic| unreadable(&panic))?;
        let (_, rows) = rows.map_err(|error| unreadable(&error))?;
        self.0 = Some((table, columns));
        Ok(rows)
    }
}
