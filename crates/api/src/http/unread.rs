//! What happens to the part of a body that nobody reads.
//!
//! actix drains the rest of a chunked body after the answer, to use the connection again, for as
//! long as it comes: a client could send without end. It does so only when the body has been
//! dropped. So the answer holds on to it: what is unread when the answer is sent closes the
//! connection.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;

/// A hold on the body of a request.
pub(crate) struct Hold(Option<Rc<RefCell<Payload>>>);

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
        match request.take_payload() {
            Payload::None => Self(None),
            payload => {
                let payload = Rc::new(RefCell::new(payload));
                let shared: Pin<Box<dyn Stream<Item = _>>> = Box::pin(Shared(Rc::clone(&payload)));
                request.set_payload(Payload::from(shared));
                Self(Some(payload))
            }
        }
    }

    /// Ties the hold to the body of the answer.
    pub(crate) fn until_sent(self, body: BoxBody) -> BoxBody {
        match self.0 {
            Some(request) => BoxBody::new(Holding { body, _request: request }),
            None => body,
        }
    }
}

/// The body of an answer, and a hold on that of its request.
struct Holding {
    body: BoxBody,
    _request: Rc<RefCell<Payload>>,
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
