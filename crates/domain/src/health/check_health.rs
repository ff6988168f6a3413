//! Use-case: checking the back ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::common::{Causes, Clock};
use crate::health::{Component, Importance};
use crate::ports::Ports;

/// The state of one back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentHealth {
    /// Its name: `database`, `cache`.
    pub name: &'static str,
    /// What it is needed for.
    pub importance: Importance,
    /// Whether it answered.
    pub healthy: bool,
    /// How long that took.
    pub latency: Duration,
}

/// The state of all back ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// Each of them, in the order of configuration.
    pub components: Vec<ComponentHealth>,
}

impl HealthReport {
    /// Whether all answered.
    pub fn is_healthy(&self) -> bool {
        self.components.iter().all(|component| component.healthy)
    }

    /// Whether all that are essential answered: requests can be served.
    pub fn is_ready(&self) -> bool {
        self.components.iter().all(|c| c.healthy || c.importance == Importance::Supporting)
    }
}

/// Checks every back end.
#[non_exhaustive]
pub struct CheckHealth {
    /// The back ends.
    pub components: Vec<Component>,
    /// Measures.
    pub clock: Arc<dyn Clock>,
}

impl CheckHealth {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { components: ports.components.clone(), clock: ports.required.clock.clone() }
    }

    /// Runs the use-case. Failures are logged with their causes, which the report leaves out.
    pub async fn execute(&self) -> HealthReport {
        // Concurrently, so that a back end that hangs does not add its time to the others.
        let checks = self.components.iter().map(|Component { name, importance, probe }| async move {
            let started = self.clock.now();
            let result = probe.check().await;
            let latency = (self.clock.now() - started).to_std().unwrap_or_default();
            if let Err(error) = &result {
                tracing::error!(error = %Causes(error), component = name, "health check failed");
            }
            ComponentHealth { name, importance: *importance, healthy: result.is_ok(), latency }
        });
        HealthReport { components: join_all(checks).await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::MockHealthProbe;
    use crate::testing;

    async fn report(database: bool, cache: bool) -> HealthReport {
        let component = |name, importance, works: bool| {
            let mut probe = MockHealthProbe::new();
            probe
                .expect_check()
                .return_once(move || if works { Ok(()) } else { Err(testing::broken()) });
            Component { name, importance, probe: Arc::new(probe) }
        };
        let check = CheckHealth {
            components: vec![
                component("database", Importance::Essential, database),
                component("cache", Importance::Supporting, cache),
            ],
            clock: testing::clock(0),
        };
        check.execute().await
    }

    #[tokio::test]
    async fn without_a_cache_it_is_unhealthy_but_ready_and_without_a_database_neither() {
        for (database, cache, healthy, ready) in
            [(true, true, true, true), (true, false, false, true), (false, true, false, false)]
        {
            let report = report(database, cache).await;
            assert_eq!((report.is_healthy(), report.is_ready()), (healthy, ready));
            assert_eq!(report.components[0].healthy, database);
            assert_eq!(report.components[1].healthy, cache);
        }
    }
}
