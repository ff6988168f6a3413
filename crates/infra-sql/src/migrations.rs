//! Which migrations a database has, and which ones it lacks.
//!
//! The table `menjin_schema` has one row per migration. It is menjin's own: an application that
//! embeds menjin may keep its tables, and diesel's table of migrations, in the same database.

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Integer};

/// A migration of this program.
#[derive(Debug)]
pub struct Migration {
    /// Its number, from 1.
    pub version: i32,
    /// The name of its folder.
    pub name: &'static str,
    /// The oldest program that may use a database with this migration, named by the newest
    /// migration that the program knows. A migration that only adds something leaves this number
    /// unchanged; one that removes something raises it.
    pub oldest_program: i32,
    /// The statements of the migration.
    pub up: &'static str,
}

/// The migrations of this program for a database, oldest first: their names are those of the folders
/// in `migrations/`.
#[macro_export]
macro_rules! migrations {
    () => {
        $crate::migrations!(
            // version, name, oldest program
            1, "0001_initial", 1;
            2, "0002_refresh_retries", 1;
            3, "0003_mail", 1;
            4, "0004_email_changes", 1;
            5, "0005_invitations", 1;
            6, "0006_deletion", 1;
            7, "0007_administration", 1;
            8, "0008_search", 1;
            9, "0009_step_up", 1;
            10, "0010_idle_sessions", 1;
            11, "0011_audit_fields", 1;
            12, "0012_jobs", 1;
            13, "0013_attributes", 1;
            14, "0014_attribute_terms", 1;
            // An older program would let in with the password alone.
            15, "0015_second_factor", 15;
            16, "0016_session_cookies", 15;
            // An older program would take a second factor away and leave its passkeys.
            17, "0017_passkeys", 17;
            18, "0018_attributes_check", 17;
        )
    };
    ($($version:literal, $name:literal, $oldest_program:literal;)*) => {
        &[$($crate::migrations::Migration {
            version: $version,
            name: $name,
            oldest_program: $oldest_program,
            up: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/", $name, "/up.sql"
            )),
        },)*]
    };
}

impl Migration {
    /// The statements of the migration, and the one that records it; `now` is the time as the database says it.
    pub fn script(&self, now: &str) -> String {
        let Self { version, oldest_program, up, .. } = self;
        format!(
            "{up};\nINSERT INTO menjin_schema (version, applied_at, oldest_program) \
             VALUES ({version}, {now}, {oldest_program});"
        )
    }
}

/// Loads rows of [`Applied`].
pub const APPLIED: &str = "SELECT version, oldest_program FROM menjin_schema ORDER BY version";

/// Asks whether a database is from before the first release, when diesel recorded the migrations;
/// loads [`Found`]. For a database that has diesel's table and no `menjin_schema`.
pub const IS_OBSOLETE: &str = "SELECT EXISTS (SELECT 1 FROM __diesel_schema_migrations \
     WHERE version = '20261121000001') AS found";

/// Whether something exists.
#[derive(Debug, QueryableByName)]
pub struct Found {
    /// Whether it exists.
    #[diesel(sql_type = Bool)]
    pub found: bool,
}

/// A migration that a database has.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Applied {
    /// Its number.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// The oldest program that may use it.
    #[diesel(sql_type = Integer)]
    pub oldest_program: i32,
}

/// Why this program cannot use a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A later program has migrated the database, and does not allow this program.
    #[error("it is newer than this program: it has the migration {version}")]
    Newer {
        /// The newest migration of the database.
        version: i32,
    },
    /// The database was created before the first release.
    #[error(
        "it was made by a menjin from before the first release, which this program cannot bring up \
         to date; it is left as it is: name another database, or an empty one"
    )]
    Obsolete,
}

/// The migrations that a database lacks, oldest first.
pub fn missing(
    known: &'static [Migration],
    applied: &[Applied],
) -> Result<Vec<&'static Migration>, SchemaError> {
    let program = known.last().map_or(0, |newest| newest.version);
    if applied.iter().any(|each| each.oldest_program > program) {
        let version = applied.iter().map(|each| each.version).max().unwrap_or(0);
        return Err(SchemaError::Newer { version });
    }
    let is_missing = |each: &&Migration| applied.iter().all(|row| row.version != each.version);
    Ok(known.iter().filter(is_missing).collect())
}

/// The names of migrations, for people.
pub fn names(migrations: Vec<&'static Migration>) -> Vec<String> {
    migrations.into_iter().map(|migration| migration.name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn migration(version: i32, name: &'static str) -> Migration {
        Migration { version, name, oldest_program: 1, up: "SELECT 1" }
    }

    const KNOWN: &[Migration] = &[migration(1, "one"), migration(2, "two")];

    fn missing_from(applied: &[(i32, i32)]) -> Result<Vec<String>, SchemaError> {
        let row = |&(version, oldest_program)| Applied { version, oldest_program };
        missing(KNOWN, &applied.iter().map(row).collect::<Vec<_>>()).map(names)
    }

    #[test]
    fn what_is_not_recorded_is_missing() {
        assert_eq!(missing_from(&[]).unwrap(), ["one", "two"]);
        assert_eq!(missing_from(&[(1, 1)]).unwrap(), ["two"]);
        assert!(missing_from(&[(1, 1), (2, 1)]).unwrap().is_empty());
    }

    #[test]
    fn a_newer_schema_says_whether_this_program_may_use_it() {
        assert!(missing_from(&[(1, 1), (2, 1), (3, 1)]).unwrap().is_empty());
        assert!(missing_from(&[(1, 1), (2, 1), (3, 2)]).unwrap().is_empty());
        let refused = missing_from(&[(1, 1), (2, 1), (3, 3), (4, 3)]);
        assert_eq!(refused, Err(SchemaError::Newer { version: 4 }));
    }

    #[test]
    fn a_script_records_its_migration() {
        let script = KNOWN[1].script("now()");
        assert!(
            script.starts_with("SELECT 1;\n") && script.contains("VALUES (2, now(), 1)"),
            "{script}"
        );
    }
}
