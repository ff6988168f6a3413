//! Rows that register themselves, and the tests made from them.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use super::Store;
use super::cache::CacheUnderTest;
use super::mails::Mailing;
use super::rates::Limiter;

/// A promise of a port. Every adapter behind `S` must keep it.
pub struct Row<S> {
    pub(super) module: &'static str,
    pub(super) name: &'static str,
    pub(super) run: fn(S) -> Pin<Box<dyn Future<Output = ()>>>,
}

inventory::collect!(Row<Store>);
inventory::collect!(Row<CacheUnderTest>);
inventory::collect!(Row<Limiter>);
inventory::collect!(Row<Mailing>);

/// Registers an `async fn` as a [`Row`] of the type that it takes: `#[apply(row!)]` above it.
macro_rules! row {
    ($(#[$attribute:meta])* async fn $name:ident($subject:ident: $type:ty) $body:block) => {
        $(#[$attribute])*
        async fn $name($subject: $type) $body

        inventory::submit! {
            $crate::contract::rows::Row {
                module: module_path!(),
                name: stringify!($name),
                run: |subject: $type| Box::pin($name(subject)),
            }
        }
    };
}

/// Makes a test of each row for an adapter: `fresh` opens an empty one. The names of the tests
/// begin with that of the adapter.
pub fn rows<S, F>(adapter: &str, fresh: fn() -> F) -> Vec<Trial>
where
    Row<S>: inventory::Collect,
    S: 'static,
    F: Future<Output = S> + 'static,
{
    let trial = |row: &'static Row<S>| {
        let (_path, module) = row.module.rsplit_once("::").unwrap();
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

/// The `main` of a test target: runs these tests as the arguments say, as cargo's own harness
/// would.
pub fn run(adapters: impl IntoIterator<Item = Vec<Trial>>) -> ExitCode {
    let mut trials: Vec<_> = adapters.into_iter().flatten().collect();
    trials.sort_by(|one, next| one.name().cmp(next.name()));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
