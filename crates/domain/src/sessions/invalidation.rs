//! The port by which replicas tell each other which cached sessions are void.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::common::PortError;

/// What a subscriber is told, in this order: [`live`](Self::live), messages, [`lost`](Self::lost),
/// and then again from the start. Only one call runs at a time. Each call MUST return quickly,
/// since the next one waits for it.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait InvalidationListener: Send + Sync {
    /// The back end has confirmed the subscription: every message published from now on arrives, or
    /// the subscription is lost. Whatever was published before MAY have been missed.
    fn live(&self);

    /// A message, as often as it was published.
    fn received(&self, message: &[u8]);

    /// The subscription was lost, at most about a second ago. Messages since then may be missed.
    fn lost(&self);
}

/// Ends a subscription when dropped. Soon after that, a live listener is told `lost`, and then
/// nothing more.
pub struct Subscription(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Subscription {
    /// A subscription that ends with this function.
    pub fn new(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// Tells all replicas which cached entries are void. It stores nothing: a replica that is not
/// subscribed when a message is published never gets it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait InvalidationChannel: Send + Sync {
    /// Sends a message to every subscriber, this process' own included. `Ok` means that the back
    /// end has it, not that anybody has received it.
    async fn publish(&self, message: &[u8]) -> Result<(), PortError>;

    /// Subscribes, and subscribes again whenever that is lost, until the [`Subscription`] is
    /// dropped. The listener MUST NOT be told `live` before the back end has confirmed the
    /// subscription. It MUST be told `lost` about a second after the connection died, even if the
    /// connection fails silently.
    fn subscribe(&self, listener: Arc<dyn InvalidationListener>) -> Subscription;
}
