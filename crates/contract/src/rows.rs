//! Rows that register themselves, and the tests made from them.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::cache::CacheUnderTest;
use crate::rates::Limiter;
use crate::{Repositories, Store};

/// A promise of a port. Every adapter behind `S` must keep it.
pub struct Row<S> {
    pub(super) module: &'static str,
    pub(super) name: &'static str,
    pub(super) run: fn(S) -> Pin<Box<dyn Future<Output = ()>>>,
}

inventory::collect!(Row<Store>);
inventory::collect!(Row<CacheUnderTest>);
inventory::collect!(Row<Limiter>);
inventory::collect!(Row<Repositories>);

/// Registers an `async fn` as a [`Row`] of the type that it takes: `#[apply(row!)]` above it.
macro_rules! row {
    ($(#[$attribute:meta])* async fn $name:ident($subject:ident: $type:ty $(,)?) $body:block) => {
        $(#[$attribute])*
        async fn $name($subject: $type) $body

        inventory::submit! {
            $crate::rows::Row {
                module: module_path!(),
                name: stringify!($name),
                run: |subject: $type| Box::pin($name(subject)),
            }
        }
    };
}

/// Makes a test of each row for an adapter: `fresh` opens an empty one. The names of the tests
/// begin with that of the adapter.
pub fn rows<S, F>(adapter: &str, fresh: impl Fn() -> F + Clone + Send + 'static) -> Vec<Trial>
where
    Row<S>: inventory::Collect,
    S: 'static,
    F: Future<Output = S> + 'static,
{
    let trial = |row: &'static Row<S>| {
        let (_path, module) = row.module.rsplit_once("::").unwrap();
        let fresh = fresh.clone();
        Trial::test(format!("{adapter}::{module}::{}", row.name), move || {
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(async { (row.run)(fresh().await).await });
            Ok(())
        })
    };
    let trials: Vec<_> = inventory::iter::<Row<S>>.into_iter().map(trial).collect();
    assert!(!trials.is_empty(), "no row has registered itself");
    trials
}

/// Makes a test of each row about repositories.
pub fn repositories<F>(adapter: &str, fresh: impl Fn() -> F + Clone + Send + 'static) -> Vec<Trial>
where
    F: Future<Output = Repositories> + 'static,
{
    let all = fresh.clone();
    let store = move || {
        let fresh = fresh.clone();
        async move { fresh().await.store }
    };
    rows::<Store, _>(adapter, store).into_iter().chain(rows(adapter, all)).collect()
}

/// The `main` of a test target: runs these tests as the arguments say, as cargo's own harness
/// would.
pub fn run(adapters: impl IntoIterator<Item = Vec<Trial>>) -> ExitCode {
    let mut trials: Vec<_> = adapters.into_iter().flatten().collect();
    trials.sort_by(|one, next| one.name().cmp(next.name()));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The whole of a test target: every row, for each of these stores. Each is named, and opened by an
/// expression of type [`Repositories`] that may await.
///
/// The target needs `harness = false` in `Cargo.toml`.
#[macro_export]
macro_rules! contract {
    ($($adapter:literal => $fresh:expr),+ $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::run([$($crate::repositories($adapter, || async { $fresh })),+])
        }
    };
}
