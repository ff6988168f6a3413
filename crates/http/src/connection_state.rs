//! The state that a connection and its requests share.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address; `None` if the connection has ended already.
    pub address: Option<SocketAddr>,
    /// Whether the connection is encrypted here.
    pub is_tls: bool,
}

/// The state of a connection; a clone is the same one. Each of its requests finds it in the data of
/// its connection.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionState(Rc<State>);

#[derive(Debug)]
struct State {
    peer: Peer,
    begun: Cell<u64>,
    in_flight: Cell<u32>,
    length: Cell<Option<u64>>,
    closing: Cell<bool>,
    aborted: Cell<bool>,
}

/// Counts a request as in flight for as long as this is held.
#[derive(Debug)]
pub(crate) struct Counted(ConnectionState);

impl ConnectionState {
    pub(crate) fn new(peer: Peer) -> Self {
        Self(Rc::new(State {
            peer,
            begun: Cell::default(),
            in_flight: Cell::default(),
            length: Cell::default(),
            closing: Cell::default(),
            aborted: Cell::default(),
        }))
    }

    pub(crate) fn peer(&self) -> Peer {
        self.0.peer
    }

    /// The head of a request has been read. `length` is the length of its body, if the head says
    /// so.
    pub(crate) fn begin(&self, length: Option<u64>) -> Counted {
        self.0.length.set(length);
        self.0.begun.set(self.0.begun.get() + 1);
        self.0.in_flight.set(self.0.in_flight.get() + 1);
        Counted(self.clone())
    }

    /// Whether the answer to an earlier request ends the connection. If it does, the connection is
    /// marked to be aborted: actix has read another request from it, which must not be executed.
    /// The client may have sent those bytes as the rest of the earlier request (RFC 9112 §9.6).
    pub(crate) fn abort_if_closing(&self) -> bool {
        if self.0.closing.get() {
            self.0.aborted.set(true);
        }
        self.0.aborted.get()
    }

    /// Whether actix has read a request after the last answered one.
    pub(crate) fn is_aborted(&self) -> bool {
        self.0.aborted.get()
    }

    /// How many requests have begun.
    pub(crate) fn begun(&self) -> u64 {
        self.0.begun.get()
    }

    /// The length of the latest request's body, if its head says so.
    pub(crate) fn length(&self) -> Option<u64> {
        self.0.length.get()
    }

    /// Whether the next bytes belong to a request that has not begun yet.
    pub(crate) fn awaits_a_request(&self) -> bool {
        self.0.in_flight.get() == 0 && !self.0.closing.get()
    }
}

impl Counted {
    /// The connection ends with the answer to this request. Later bytes are not a request.
    pub(crate) fn close_after_answer(&self) {
        self.0.0.closing.set(true);
    }

    pub(crate) fn peer(&self) -> Peer {
        self.0.peer()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let in_flight = &self.0.0.in_flight;
        in_flight.set(in_flight.get().saturating_sub(1));
    }
}
