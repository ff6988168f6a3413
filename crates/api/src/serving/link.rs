//! What a connection and the requests on it know of each other.

use std::cell::Cell;
use std::rc::Rc;

/// Goes with a connection, and is found in each of its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link(Rc<State>);

#[derive(Debug, Default)]
struct State {
    begun: Cell<u64>,
    under_way: Cell<u32>,
    length: Cell<Option<u64>>,
    closing: Cell<bool>,
    stopped: Cell<bool>,
}

/// A request that is under way for as long as this is held.
#[derive(Debug)]
pub(crate) struct UnderWay(Link);

impl Link {
    /// The head of a request has been read; if it says how long the body is, this is what it says.
    pub(crate) fn begin(&self, length: Option<u64>) -> UnderWay {
        self.0.length.set(length);
        self.0.begun.set(self.0.begun.get() + 1);
        self.0.under_way.set(self.0.under_way.get() + 1);
        UnderWay(self.clone())
    }

    /// Whether the answer to an earlier request ends the connection. Then nothing on it is done any
    /// more: what the client takes for the rest of that request must not be taken for another one
    /// (RFC 9112 §9.6).
    pub(crate) fn takes_no_more(&self) -> bool {
        if self.0.closing.get() {
            self.0.stopped.set(true);
        }
        self.0.stopped.get()
    }

    /// Whether there was a request after the last one.
    pub(super) fn is_stopped(&self) -> bool {
        self.0.stopped.get()
    }

    /// How many requests have begun.
    pub(super) fn begun(&self) -> u64 {
        self.0.begun.get()
    }

    /// The length of the latest request's body, if its head says so.
    pub(super) fn length(&self) -> Option<u64> {
        self.0.length.get()
    }

    /// Whether the next bytes belong to a request that is not known yet.
    pub(super) fn awaits_a_request(&self) -> bool {
        self.0.under_way.get() == 0 && !self.0.closing.get()
    }
}

impl UnderWay {
    /// The connection ends with the answer: what is still sent is no request.
    pub(crate) fn is_the_last(&self) {
        self.0.0.closing.set(true);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.under_way.set(self.0.0.under_way.get().saturating_sub(1));
    }
}
