//! What happens to the part of a body that nobody reads.
//!
//! actix drains the rest of a chunked body after the answer, to use the connection again, for as
//! long as it comes: a client could send without end. It does so only when the body has been
//! dropped. So the answer holds on to it: what is unread when the answer is sent closes the
//! connection.

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

use crate::serving::link::{Link, UnderWay};

/// A hold on the body of a request, which is under way until this is dropped.
pub(crate) struct Hold {
    payload: Option<Rc<RefCell<Payload>>>,
    under_way: Option<UnderWay>,
    /// Whether the client wants the connection to end.
    closes: bool,
}

/// The body as the handler sees it.
struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

impl Hold {
    /// Takes hold of the body of this request, whose handler can read it all the same.
    pub(crate) fn of(request: &mut ServiceRequest) -> Self {
        let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let length = length.and_then(|length| length.trim().parse().ok());
        let under_way = request.conn_data::<Link>().map(|link| link.begin(length));
        let payload = match request.take_payload() {
            Payload::None => None,
            payload => {
                let payload = Rc::new(RefCell::new(payload));
                let shared: Pin<Box<dyn Stream<Item = _>>> = Box::pin(Shared(Rc::clone(&payload)));
                request.set_payload(Payload::from(shared));
                Some(payload)
            }
        };
        let closes = request.head().connection_type() == ConnectionType::Close;
        Self { payload, under_way, closes }
    }

    /// Decides, now that there is an answer, whether the connection ends with it: if the client asked
    /// for that, if the answer says so, or if some of the body is still to come.
    pub(crate) fn settle(&self, answer: &mut ResponseHead) {
        // actix uses heads again, with the version that they had; of HTTP/1.0 it would mean Close.
        answer.version = Version::HTTP_11;
        let is_unread = self.payload.as_ref().is_some_and(|payload| !has_ended(payload));
        if self.closes || is_unread {
            answer.set_connection_type(ConnectionType::Close);
        }
        if answer.connection_type() == ConnectionType::Close
            && let Some(under_way) = &self.under_way
        {
            under_way.is_the_last();
        }
    }

    /// Ties the hold to the body of the answer.
    pub(crate) fn until_sent(self, body: BoxBody) -> BoxBody {
        match self {
            Self { payload: None, under_way: None, .. } => body,
            hold => BoxBody::new(Holding { body, _hold: hold }),
        }
    }
}

/// Whether all of a body has arrived. Passes over what nobody has read of it.
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

/// The body of an answer, and a hold on that of its request.
struct Holding {
    body: BoxBody,
    _hold: Hold,
}

impl MessageBody for Holding {
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
