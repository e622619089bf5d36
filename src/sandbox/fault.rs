//! Injects faults.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::sandbox::serve::Line;

/// A fault of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is not handled; this is the response.
    Status {
        code: u16,
        /// The body, sent as `application/json`.
        body: String,
    },
    /// The request is not handled; the response is an HTML page with this status, as from a filter or a server under
    /// maintenance.
    Page { code: u16 },
    /// The request is not handled; 429, with the wait in seconds where the real server puts it.
    RetryAfter(u32),
    /// The request is handled after this delay, unless the client has disconnected by then.
    Hang(Duration),
    /// The connection is closed; the request is not handled.
    DropBefore,
    /// The request is handled, and the connection closed without a response, so that the client does not know the
    /// result.
    DropAfter,
    /// The request is not handled; the response is 200 with an HTML page, as from a proxy.
    Garbage,
}

/// The pending faults, by their targets.
#[derive(Debug)]
pub(crate) struct Faults<T> {
    waiting: Mutex<Vec<(T, Fault, u32)>>,
}

impl<T> Faults<T> {
    pub(crate) const fn new() -> Self {
        Self { waiting: Mutex::new(Vec::new()) }
    }

    /// Adds a fault to the next `times` requests that match `target`.
    pub(crate) fn add(&self, target: T, fault: Fault, times: u32) {
        self.locked(|waiting| waiting.push((target, fault, times)));
    }

    pub(crate) fn clear(&self) {
        self.locked(Vec::clear);
    }

    /// Takes the oldest fault whose target matches, if any, and counts it as used once.
    pub(crate) fn take(&self, matches: impl Fn(&T) -> bool) -> Option<Fault> {
        self.locked(|waiting| {
            waiting.retain(|(_, _, times)| *times > 0);
            let (_, fault, times) = waiting.iter_mut().find(|(target, _, _)| matches(target))?;
            *times -= 1;
            Some(fault.clone())
        })
    }

    /// Whether all faults were taken by requests.
    pub(crate) fn are_over(&self) -> bool {
        self.locked(|waiting| waiting.iter().all(|(_, _, times)| *times == 0))
    }

    fn locked<R>(&self, f: impl FnOnce(&mut Vec<(T, Fault, u32)>) -> R) -> R {
        f(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Applies `fault` to a request that `handle` would answer. Returns the response, or `None` if the connection was
/// closed.
pub(crate) async fn with_fault(
    fault: Option<Fault>,
    line: &Line,
    retry_after: impl FnOnce(u32) -> Response,
    handle: impl Future<Output = Response>,
) -> Option<Response> {
    match fault {
        None => Some(handle.await),
        Some(Fault::Status { code, body }) => Some(json(code, body)),
        Some(Fault::Page { code }) => Some(page(code)),
        Some(Fault::RetryAfter(seconds)) => Some(retry_after(seconds)),
        Some(Fault::Hang(wait)) => {
            tokio::time::sleep(wait).await;
            Some(handle.await)
        }
        Some(Fault::DropBefore) => {
            line.cut();
            None
        }
        Some(Fault::DropAfter) => {
            handle.await;
            line.cut();
            None
        }
        Some(Fault::Garbage) => Some(page(200)),
    }
}

/// An HTML page with a common error text.
fn page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    (status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}

/// A response with a JSON body.
pub(crate) fn json(status: u16, body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_for_its_target_and_ends_after_its_times() {
        let faults = Faults::new();
        faults.add("a", Fault::DropBefore, 2);
        faults.add("b", Fault::Garbage, 1);
        assert_eq!(faults.take(|target| *target == "b"), Some(Fault::Garbage));
        assert_eq!(faults.take(|target| *target == "b"), None);
        assert_eq!(faults.take(|_| true), Some(Fault::DropBefore));
        assert_eq!(faults.take(|_| true), Some(Fault::DropBefore));
        assert_eq!(faults.take(|_| true), None);
    }
}
