//! A request in flight. An application must hold one for each request.
//!
//! It tells the connection that a request has begun, and when its answer is sent. It also decides
//! what happens to the part of a body that nobody has read. After an answer, actix reads the rest
//! of a chunked body for as long as the client sends, to use the connection again. It does so only
//! after the body was dropped. So the body is held until the answer is sent. If some of it is still
//! unread then, the connection is closed.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ResponseHead, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::http::{ConnectionType, Version};
use actix_web::web::Bytes;
use futures_util::Stream;

use crate::connection_state::{ConnectionState, Counted};

/// A request, from its beginning until its answer is sent.
///
/// The outermost middleware of an application takes one for each request
/// ([`begin`](InFlight::begin)), lets it decide about the connection when there is an answer
/// ([`settle`](InFlight::settle)), and ties it to the body of that
/// ([`until_sent`](InFlight::until_sent)).
pub struct InFlight {
    payload: Option<Rc<RefCell<Payload>>>,
    /// `None` in tests without a connection.
    counted: Option<Counted>,
    /// Whether the client wants the connection to end.
    client_closes: bool,
    /// Whether the client offers to change the protocol.
    offers_upgrade: bool,
}

/// The body as the handler sees it.
struct SharedPayload(Rc<RefCell<Payload>>);

impl Stream for SharedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

impl InFlight {
    /// Takes hold of a request and its body. The handler can still read the body. Never returns if
    /// an earlier answer ends the connection: the connection is closed meanwhile.
    pub async fn begin(request: &mut ServiceRequest) -> Self {
        let state = request.conn_data::<ConnectionState>().cloned();
        if state.as_ref().is_some_and(ConnectionState::abort_if_closing) {
            std::future::pending::<()>().await;
        }
        let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let length = length.and_then(|length| length.trim().parse().ok());
        let counted = state.map(|state| state.begin(length));
        let payload = match request.take_payload() {
            Payload::None => None,
            payload => {
                let payload = Rc::new(RefCell::new(payload));
                let shared: Pin<Box<dyn Stream<Item = _>>> =
                    Box::pin(SharedPayload(Rc::clone(&payload)));
                request.set_payload(Payload::from(shared));
                Some(payload)
            }
        };
        let client_closes = request.head().connection_type() == ConnectionType::Close;
        // Only an offer that arrived in two pieces: actix would close the connection unannounced.
        let offers_upgrade = request.head().connection_type() == ConnectionType::Upgrade;
        Self { payload, counted, client_closes, offers_upgrade }
    }

    /// Whether the connection is encrypted here.
    pub fn is_tls(&self) -> bool {
        self.counted.as_ref().is_some_and(|counted| counted.peer().is_tls)
    }

    /// Decides, now that there is an answer, whether the connection ends with it: if the client
    /// asked for that, if the answer says so, or if some of the body is still to come.
    pub fn settle(&self, answer: &mut ResponseHead) {
        // actix reuses heads with their old version, and HTTP/1.0 would mean Close.
        answer.version = Version::HTTP_11;
        let is_unread = self.payload.as_ref().is_some_and(|payload| !has_ended(payload));
        if self.client_closes || self.offers_upgrade || is_unread {
            answer.set_connection_type(ConnectionType::Close);
        }
        if answer.connection_type() == ConnectionType::Close
            && let Some(counted) = &self.counted
        {
            counted.close_after_answer();
        }
    }

    /// Holds the request until this body of the answer is sent.
    pub fn until_sent(self, body: BoxBody) -> BoxBody {
        match self {
            Self { payload: None, counted: None, .. } => body,
            in_flight => BoxBody::new(HoldingBody { body, _in_flight: in_flight }),
        }
    }
}

/// Whether all of a body has arrived. Discards the part that nobody has read.
fn has_ended(payload: &RefCell<Payload>) -> bool {
    let Ok(mut payload) = payload.try_borrow_mut() else { return false };
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match Pin::new(&mut *payload).poll_next(&mut cx) {
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(None) => return true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => return false,
        }
    }
}

/// The body of an answer, which holds its request until it is sent.
struct HoldingBody {
    body: BoxBody,
    _in_flight: InFlight,
}

impl MessageBody for HoldingBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
