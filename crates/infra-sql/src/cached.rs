//! Changes that are prepared once.
//!
//! diesel prepares every `UPDATE` and every upsert anew, because the text of some depends on what there
//! is to set. On SQLite that takes longer than running one. Changes whose text is always the same are
//! wrapped here: they are prepared once a connection, and found again by their text.

use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// A change whose text is always the same.
#[derive(Debug, Clone, Copy)]
pub struct Cached<T>(T);

/// Prepares the change once a connection. Its text must not depend on what is set: each text that there
/// is stays in memory.
pub fn cached<T>(change: T) -> Cached<T> {
    Cached(change)
}

impl<T> QueryId for Cached<T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: Query> Query for Cached<T> {
    type SqlType = T::SqlType;
}

impl<T, Conn> RunQueryDsl<Conn> for Cached<T> {}

impl<T: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Cached<T> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    // Public with the feature of diesel that diesel-async turns on, too.
    fn is_safe_to_cache_prepared(&self, _backend: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}
