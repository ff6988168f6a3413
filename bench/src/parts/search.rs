//! B9: users found by the beginnings of their names, by filters and in each order, among a million and
//! among ten thousand.

use super::Bench;
use super::list::{Query, Store, measure};
use crate::menjin::Profile;
use crate::report::{Row, Target, Unit, grouped};

/// The queries, by what they are called. As many users match a prefix among many as among few.
fn queries(users: u64) -> Vec<Query> {
    let prefix = if users > 100_000 { "user1234" } else { "user12" };
    let queries = [
        ("q, a prefix of 111", format!("q={prefix}&limit=20")),
        ("q, with a role", format!("q={prefix}&role=teacher&limit=20")),
        ("q, of nobody", "q=nobody".to_owned()),
        ("role=teacher", "role=teacher".to_owned()),
        ("is_active=false, nobody", "is_active=false".to_owned()),
        ("is_verified=true, one", "is_verified=true".to_owned()),
        ("created_since, nobody", "created_since=2100-01-01T00:00:00Z".to_owned()),
        ("last_login_since, one", "last_login_since=2020-01-01T00:00:00Z".to_owned()),
        ("sort=id", "sort=id".to_owned()),
        ("sort=-id", "sort=-id".to_owned()),
        ("sort=username", "sort=username".to_owned()),
        ("sort=-username", "sort=-username".to_owned()),
        ("sort=created_at", "sort=created_at".to_owned()),
        ("sort=-created_at", "sort=-created_at".to_owned()),
        ("sort=last_login_at", "sort=last_login_at".to_owned()),
        ("sort=-last_login_at", "sort=-last_login_at".to_owned()),
    ];
    queries.map(|(name, query)| (name, format!("/api/v1/users?{query}"))).into()
}

pub(super) fn run(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let (few, many) = bench.choose((10_000, 1_000_000), (1_000, 5_000));
    let mut rows = Vec::new();
    for profile in [Profile::Embedded, Profile::Replicas] {
        let stores = [Store::start(bench, profile, few)?, Store::start(bench, profile, many)?];
        let [few, many] = bench.backends.runtime.block_on(measure(bench, &stores, queries))?;
        let [small, large] = stores.each_ref().map(|store| grouped(store.users));
        for ((name, _), (few, many)) in queries(0).into_iter().zip(few.into_iter().zip(many)) {
            let what = format!("{name}: {large} users against {small}");
            let row = Row::new("B9", profile.name(), what).unit(Unit::Milliseconds);
            rows.push(row.figure(many).against(few).target(Target::RatioAtMost(3.0)));
        }
    }
    Ok(rows)
}
