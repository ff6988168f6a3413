//! The values of those columns, as they are read and written. They are raw: the code that knows the
//! row checks whether a value is valid, so that an error can name the row.

use std::net::IpAddr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use menjin_domain::common::{SessionId, Timestamp};
use uuid::Uuid;

use crate::sql_types::{Address, Moment, Uuid16};

/// A time, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Moment)]
pub struct Micros(pub i64);

impl Micros {
    /// The time; `None` outside of the calendar, as PostgreSQL's infinities are.
    pub fn moment(self) -> Option<Timestamp> {
        Timestamp::from_timestamp_micros(self.0)
    }
}

impl From<Timestamp> for Micros {
    fn from(at: Timestamp) -> Self {
        Self(at.timestamp_micros())
    }
}

/// The id of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Uuid16)]
pub struct Id(pub Uuid);

impl From<SessionId> for Id {
    fn from(id: SessionId) -> Self {
        Self(id.0)
    }
}

impl From<Id> for SessionId {
    fn from(id: Id) -> Self {
        Self(id.0)
    }
}

/// The address of a host; `None` if the value that was read is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Address)]
pub struct Host(pub Option<IpAddr>);

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self(Some(address))
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use diesel::deserialize::{self, FromSql};
    use diesel::serialize::{self, IsNull, Output, ToSql};
    use diesel::sql_types::{BigInt, Binary, Text};
    use diesel::sqlite::{Sqlite, SqliteValue};
    use uuid::Uuid;

    use super::{Address, Host, Id, Micros, Moment, Uuid16};

    impl ToSql<Moment, Sqlite> for Micros {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.0);
            Ok(IsNull::No)
        }
    }

    impl FromSql<Moment, Sqlite> for Micros {
        fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            FromSql::<BigInt, Sqlite>::from_sql(value).map(Self)
        }
    }

    impl ToSql<Uuid16, Sqlite> for Id {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.0.as_bytes().as_slice());
            Ok(IsNull::No)
        }
    }

    impl FromSql<Uuid16, Sqlite> for Id {
        fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            let bytes: Vec<u8> = FromSql::<Binary, Sqlite>::from_sql(value)?;
            Ok(Self(Uuid::from_slice(&bytes)?))
        }
    }

    impl ToSql<Address, Sqlite> for Host {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.0.ok_or("no address")?.to_string());
            Ok(IsNull::No)
        }
    }

    impl FromSql<Address, Sqlite> for Host {
        fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            let text: String = FromSql::<Text, Sqlite>::from_sql(value)?;
            Ok(Self(text.parse().ok()))
        }
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::io::Write as _;

    use diesel::deserialize::{self, FromSql};
    use diesel::pg::{Pg, PgValue};
    use diesel::serialize::{self, IsNull, Output, ToSql};
    use diesel::sql_types::{BigInt, Inet};
    use ipnet::IpNet;
    use uuid::Uuid;

    use super::{Address, Host, Id, Micros, Moment, Uuid16};

    /// 2000-01-01T00:00:00Z, from which PostgreSQL counts, in microseconds since 1970.
    const EPOCH: i64 = 946_684_800_000_000;

    impl Micros {
        /// The number that PostgreSQL stores for this time: microseconds since 2000.
        pub fn to_postgres(self) -> i64 {
            self.0.saturating_sub(EPOCH)
        }

        /// The time that PostgreSQL stores as this number.
        pub fn from_postgres(micros: i64) -> Self {
            Self(micros.saturating_add(EPOCH))
        }
    }

    impl ToSql<Moment, Pg> for Micros {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            ToSql::<BigInt, Pg>::to_sql(&self.to_postgres(), &mut out.reborrow())
        }
    }

    impl FromSql<Moment, Pg> for Micros {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            FromSql::<BigInt, Pg>::from_sql(value).map(Self::from_postgres)
        }
    }

    impl ToSql<Uuid16, Pg> for Id {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            out.write_all(self.0.as_bytes())?;
            Ok(IsNull::No)
        }
    }

    impl FromSql<Uuid16, Pg> for Id {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            Ok(Self(Uuid::from_slice(value.as_bytes())?))
        }
    }

    impl ToSql<Address, Pg> for Host {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            let host = IpNet::from(self.0.ok_or("no address")?);
            ToSql::<Inet, Pg>::to_sql(&host, &mut out.reborrow())
        }
    }

    impl FromSql<Address, Pg> for Host {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            let host: IpNet = FromSql::<Inet, Pg>::from_sql(value)?;
            Ok(Self(Some(host.addr())))
        }
    }
}
