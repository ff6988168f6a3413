//! The tables that a transfer copies. A new table needs an entry here. Jobs have none, which live for an hour, nor factors that wait for their
//! first code, nor challenges for passkeys; codes for applications, which live for a minute, are no columns here.
//!
//! Values are copied as texts that are the same for both databases. The kind of a column determines
//! how each database stores its values.

use std::net::IpAddr;

use diesel::QueryableByName;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::row::{Field as _, NamedRow};
use diesel::sql_types::{BigInt, Nullable, Text};
use menjin_domain::common::PortError;
use menjin_domain::transfer::{Batch, Contents, NotEmpty, Row};

use crate::error::{COMPONENT, bad_column};
use crate::values::Micros;

/// How many rows are read and written at once. A user has 39 columns, and SQLite accepts 32,766
/// parameters.
pub const BATCH: usize = 800;

/// The kind of value in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An integer.
    Number,
    /// A text.
    Text,
    /// A truth value: 1 or 0.
    Flag,
    /// Microseconds since 1970.
    Moment,
    /// 32 hexadecimal digits.
    Uuid,
    /// The address of a host.
    Address,
}

use Kind::{Address, Flag, Moment, Number, Uuid};

/// A table that is copied.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its contents, for people.
    pub what: &'static str,
    /// Whether its column `id` has generated ids, which must never be handed out again.
    pub gives_ids: bool,
    /// The columns of its key, by which it is read in order.
    pub key: &'static [&'static str],
    /// All its columns.
    pub columns: &'static [(&'static str, Kind)],
}

/// The tables that are copied, ordered so that a table comes after those that it refers to.
/// `user_counts` is not among them, because the target counts anew.
pub const TABLES: &[Table] = &[
    Table {
        name: "users",
        what: "users",
        gives_ids: true,
        key: &["id"],
        columns: &[
            ("id", Number),
            ("username", Kind::Text),
            ("username_canonical", Kind::Text),
            ("email", Kind::Text),
            ("email_canonical", Kind::Text),
            ("password_hash", Kind::Text),
            ("credential_version", Number),
            ("role", Kind::Text),
            ("full_name", Kind::Text),
            ("phone", Kind::Text),
            ("bio", Kind::Text),
            ("avatar", Kind::Text),
            ("is_active", Flag),
            ("is_verified", Flag),
            ("created_at", Moment),
            ("updated_at", Moment),
            ("last_login_at", Moment),
            ("locale", Kind::Text),
            ("recovery_email", Kind::Text),
            ("recovery_verified", Flag),
            ("email_proved_at", Moment),
            ("pending_email", Kind::Text),
            ("pending_email_canonical", Kind::Text),
            ("pending_version", Number),
            ("pending_since", Moment),
            ("email_by_password", Flag),
            ("reset_after", Moment),
            ("deletes_at", Moment),
            ("active_before_deletion", Flag),
            ("banned_until", Moment),
            ("ban_reason", Kind::Text),
            ("first_password_from", Moment),
            ("first_password_until", Moment),
            ("username_search", Kind::Text),
            ("email_search", Kind::Text),
            ("full_name_search", Kind::Text),
            ("attributes", Kind::Text),
            ("has_factor", Flag),
            ("factor_since", Moment),
        ],
    },
    Table {
        name: "sessions",
        what: "sessions",
        gives_ids: false,
        key: &["id"],
        columns: &[
            ("id", Uuid),
            ("user_id", Number),
            ("generation", Number),
            ("predecessor", Number),
            ("rotated_at", Moment),
            ("retries", Number),
            ("created_at", Moment),
            ("last_used_at", Moment),
            ("expires_at", Moment),
            ("ended_at", Moment),
            ("client_address", Address),
            ("user_agent", Kind::Text),
            ("authenticated_at", Moment),
            ("ends_at", Moment),
            ("has_factor", Flag),
            ("cookie", Kind::Text),
        ],
    },
    Table {
        name: "login_throttles",
        what: "counts of failed log-ins",
        gives_ids: false,
        key: &["subject", "network"],
        columns: &[
            ("subject", Kind::Text),
            ("network", Kind::Text),
            ("failures", Number),
            ("last_failure_at", Moment),
        ],
    },
    Table {
        name: "mails",
        what: "mails",
        gives_ids: true,
        key: &["id"],
        columns: &[
            ("id", Number),
            ("kind", Kind::Text),
            ("urgency", Number),
            ("user_id", Number),
            ("name", Kind::Text),
            ("recipient", Kind::Text),
            ("locale", Kind::Text),
            ("seed", Kind::Text),
            ("key_id", Kind::Text),
            ("client_address", Address),
            ("user_agent", Kind::Text),
            ("created_at", Moment),
            ("queued_at", Moment),
            ("due_at", Moment),
            ("state", Kind::Text),
            ("leased_until", Moment),
            ("claims", Number),
            ("attempts", Number),
            ("error_code", Kind::Text),
            ("error", Kind::Text),
            ("sent_at", Moment),
        ],
    },
    Table {
        name: "one_time_tokens",
        what: "one-time tokens",
        gives_ids: false,
        key: &["digest"],
        columns: &[
            ("digest", Kind::Text),
            ("purpose", Kind::Text),
            ("user_id", Number),
            ("credential_version", Number),
            ("email", Kind::Text),
            ("client_address", Address),
            ("user_agent", Kind::Text),
            ("mail_id", Number),
            ("created_at", Moment),
            ("expires_at", Moment),
            ("ended_at", Moment),
            ("address", Kind::Text),
        ],
    },
    Table {
        name: "attribute_terms",
        what: "attributes to search for",
        gives_ids: false,
        key: &["attribute", "term", "user_id"],
        columns: &[("attribute", Kind::Text), ("term", Kind::Text), ("user_id", Number)],
    },
    Table {
        name: "totp_factors",
        what: "second factors",
        gives_ids: false,
        key: &["user_id"],
        columns: &[
            ("user_id", Number),
            ("secret", Kind::Text),
            ("key_id", Kind::Text),
            ("last_step", Number),
            ("created_at", Moment),
        ],
    },
    Table {
        name: "passkeys",
        what: "passkeys",
        gives_ids: true,
        key: &["id"],
        columns: &[
            ("id", Number),
            ("user_id", Number),
            ("credential_id", Kind::Text),
            ("public_key", Kind::Text),
            ("name", Kind::Text),
            ("sign_count", Number),
            ("created_at", Moment),
            ("last_used_at", Moment),
        ],
    },
    Table {
        name: "recovery_codes",
        what: "recovery codes",
        gives_ids: false,
        key: &["user_id", "digest"],
        columns: &[("user_id", Number), ("digest", Kind::Text), ("key_id", Kind::Text)],
    },
    Table {
        name: "invitations",
        what: "invitations",
        gives_ids: true,
        key: &["id"],
        columns: &[
            ("id", Number),
            ("digest", Kind::Text),
            ("email", Kind::Text),
            ("email_canonical", Kind::Text),
            ("role", Kind::Text),
            ("uses", Number),
            ("max_uses", Number),
            ("lifetime", Number),
            ("created_by", Number),
            ("created_at", Moment),
            ("expires_at", Moment),
            ("revoked_at", Moment),
        ],
    },
    Table {
        name: "audit_events",
        what: "records of what happened",
        gives_ids: true,
        key: &["at", "id"],
        columns: &[
            ("id", Number),
            ("at", Moment),
            ("action", Kind::Text),
            ("outcome", Kind::Text),
            ("reason", Kind::Text),
            ("actor_id", Number),
            ("subject_id", Number),
            ("session_id", Uuid),
            ("client_address", Address),
            ("user_agent", Kind::Text),
            ("request_id", Kind::Text),
            ("changed", Kind::Text),
        ],
    },
];

/// How a database converts values to texts and texts to values, as expressions of its SQL.
pub trait Dialect {
    /// The text of a column's value.
    fn text(kind: Kind, column: &str) -> String;
    /// The column's value of a text.
    fn value(kind: Kind, text: &str) -> String;
    /// The parameter of this number, from 1.
    fn parameter(number: usize) -> String;
}

impl Table {
    /// The table of this name.
    pub fn named(name: &str) -> Result<&'static Self, PortError> {
        let unknown = || PortError::internal(COMPONENT, "a table that is not known");
        TABLES.iter().find(|table| table.name == name).ok_or_else(unknown)
    }

    /// Reads the next rows in the order of the key, as [`Record`]s: the rows after the key that the
    /// parameters give, or the first rows.
    pub fn select<D: Dialect>(&self, is_first: bool) -> String {
        let Self { name, key, columns, .. } = self;
        let texts = columns.iter().map(|(column, kind)| D::text(*kind, column));
        let texts = texts.collect::<Vec<_>>().join(", ");
        // With the name of the table: otherwise PostgreSQL would order by the texts, which have the
        // same names.
        let key = key.iter().map(|column| format!("{name}.{column}"));
        let key = key.collect::<Vec<_>>().join(", ");
        let after = if is_first {
            String::new()
        } else {
            let given = self.key_columns().enumerate();
            let given = given.map(|(number, (_, kind))| D::value(kind, &D::parameter(number + 1)));
            format!("WHERE ({key}) > ({})", given.collect::<Vec<_>>().join(", "))
        };
        format!("SELECT {texts} FROM {name} {after} ORDER BY {key} LIMIT {BATCH}")
    }

    /// The names of all columns, as an `INSERT` has them.
    pub fn column_names(&self) -> String {
        self.columns.iter().map(|(column, _)| *column).collect::<Vec<_>>().join(", ")
    }

    /// The key of a row.
    pub fn key_of<'a>(&self, row: &'a Row) -> Vec<&'a str> {
        self.key_columns().filter_map(|(at, _)| row.get(at)?.as_deref()).collect()
    }

    /// The columns of the key: their places in the list, and their kinds.
    fn key_columns(&self) -> impl Iterator<Item = (usize, Kind)> {
        self.key.iter().filter_map(|key| {
            self.columns
                .iter()
                .enumerate()
                .find_map(|(at, (column, kind))| (column == key).then_some((at, *kind)))
        })
    }

    /// The rows that were read. Addresses get one spelling, because each database has its own. A
    /// value that no program can read is an error.
    pub fn rows(&self, records: Vec<Record>) -> Result<Vec<Row>, PortError> {
        records.into_iter().map(|Record(row)| self.checked(row)).collect()
    }

    fn checked(&self, mut row: Row) -> Result<Row, PortError> {
        for (at, (column, kind)) in self.columns.iter().enumerate() {
            let Some(text) = row.get_mut(at).and_then(Option::as_mut) else { continue };
            let is_read = match kind {
                Moment => text.parse().is_ok_and(|micros| Micros(micros).moment().is_some()),
                Address => text.parse().map(|read: IpAddr| *text = read.to_string()).is_ok(),
                Number | Kind::Text | Flag | Uuid => true,
            };
            if !is_read {
                return Err(bad_column(self.name, column, self.key_of(&row).join(" ")));
            }
        }
        Ok(row)
    }
}

/// A number in the result of a query.
#[derive(Debug, QueryableByName)]
pub struct Scalar {
    /// The number.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
}

/// Refuses to fill a store that already holds something.
pub fn must_be_empty(contents: &[Contents]) -> Result<(), NotEmpty> {
    let mut filled = TABLES.iter().zip(contents).filter(|(_, contents)| contents.rows > 0);
    filled.next().map_or(Ok(()), |(table, _)| Err(NotEmpty { what: table.what }))
}

/// A row as it was read: the text of each column.
#[derive(Debug)]
pub struct Record(Row);

impl<DB> QueryableByName<DB> for Record
where
    DB: Backend,
    Option<String>: FromSql<Nullable<Text>, DB>,
{
    fn build<'a>(row: &impl NamedRow<'a, DB>) -> deserialize::Result<Self> {
        let columns = 0..row.field_count();
        let values = columns.map(|column| {
            let field = diesel::row::Row::get(row, column).ok_or("a column is missing")?;
            Option::<String>::from_nullable_sql(field.value())
        });
        values.collect::<deserialize::Result<_>>().map(Self)
    }
}

/// How far a store has been read.
#[derive(Debug, Default)]
pub struct Position {
    table: usize,
    /// The key of the last row that was read of the current table, if any.
    after: Vec<String>,
}

impl Position {
    /// The table to read next; `None` at the end.
    pub fn table(&self) -> Option<&'static Table> {
        TABLES.get(self.table)
    }

    /// The key after which to continue in the table; empty at the beginning of the table.
    pub fn after(&self) -> &[String] {
        &self.after
    }

    /// Advances past the rows that were read, and returns them. Without rows the table is finished:
    /// this advances to the next table, and returns `None`.
    pub fn pass(&mut self, records: Vec<Record>) -> Result<Option<Batch>, PortError> {
        let Some(table) = self.table() else { return Ok(None) };
        let rows = table.rows(records)?;
        let Some(last) = rows.last() else {
            *self = Self { table: self.table + 1, after: Vec::new() };
            return Ok(None);
        };
        self.after = table.key_of(last).into_iter().map(str::to_owned).collect();
        Ok(Some(Batch { table: table.name, rows }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl Dialect for Plain {
        fn text(kind: Kind, column: &str) -> String {
            format!("{kind:?}({column})")
        }

        fn value(kind: Kind, text: &str) -> String {
            format!("to{kind:?}({text})")
        }

        fn parameter(number: usize) -> String {
            format!("${number}")
        }
    }

    fn record(values: &[&str]) -> Record {
        Record(values.iter().map(|value| Some((*value).to_owned())).collect())
    }

    #[test]
    fn a_table_is_read_by_its_key() {
        let table = Table::named("login_throttles").unwrap();
        let columns = "SELECT Text(subject), Text(network), Number(failures), \
                       Moment(last_failure_at) FROM login_throttles ";
        let rest = " ORDER BY login_throttles.subject, login_throttles.network LIMIT 800";
        assert_eq!(table.select::<Plain>(true), format!("{columns}{rest}"));
        let after = "WHERE (login_throttles.subject, login_throttles.network) > \
                     (toText($1), toText($2))";
        assert_eq!(table.select::<Plain>(false), format!("{columns}{after}{rest}"));
    }

    #[test]
    fn tables_are_read_one_after_the_other() {
        let mut position = Position::default();
        let mut row = vec!["7"; 21];
        row[0] = "1";
        let batch = position.pass(vec![record(&row)]).unwrap().unwrap();
        assert_eq!((batch.table, batch.rows.len()), ("users", 1));
        assert_eq!(position.after(), ["1"]);
        for table in TABLES {
            assert_eq!(position.table().unwrap().name, table.name);
            assert_eq!(position.pass(Vec::new()).unwrap(), None);
            assert!(position.after().is_empty());
        }
        assert!(position.table().is_none());
    }

    #[test]
    fn addresses_are_written_alike_and_what_cannot_be_read_is_named() {
        let table = Table::named("audit_events").unwrap();
        let row = ["3", "5", "a", "success", "r", "1", "1", "00", "2001:DB8:0::7", "u", "q"];
        let rows = table.rows(vec![record(&row)]).unwrap();
        assert_eq!(rows[0][8].as_deref(), Some("2001:db8::7"));
        assert_eq!(table.key_of(&rows[0]), ["5", "3"]);
        for (at, value, column) in [(1, "9223372036854775807", "at"), (8, "x", "client_address")] {
            let mut row = row;
            row[at] = value;
            let error = table.rows(vec![record(&row)]).unwrap_err();
            let text = menjin_domain::common::Causes(&error).to_string();
            assert!(text.contains(&format!("column {column} of row")), "{text}");
        }
    }
}
