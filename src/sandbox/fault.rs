//! What can go wrong on the way, on demand.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::sandbox::serve::Line;

/// One way for a request to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is not handled; this is the answer.
    Status {
        code: u16,
        /// The body, sent as `application/json`.
        body: String,
    },
    /// The request is not handled; the answer is an HTML page with this status, as from a filter or a server at work.
    Page { code: u16 },
    /// The request is not handled; 429, with the wait in seconds where the real server puts it.
    RetryAfter(u32),
    /// The request lies still this long and is handled then, unless the client has hung up by that time.
    Hang(Duration),
    /// The connection is closed; the request is not handled.
    DropBefore,
    /// The request is handled, and the connection closed without an answer: the client cannot know.
    DropAfter,
    /// The request is not handled; the answer is 200 with an HTML page, as from a proxy in between.
    Garbage,
}

/// The faults that wait for their request, by what they aim at.
#[derive(Debug)]
pub(crate) struct Faults<T> {
    waiting: Mutex<Vec<(T, Fault, u32)>>,
}

impl<T> Faults<T> {
    pub(crate) const fn new() -> Self {
        Self { waiting: Mutex::new(Vec::new()) }
    }

    /// The next `times` requests that `target` means go wrong.
    pub(crate) fn add(&self, target: T, fault: Fault, times: u32) {
        self.locked(|waiting| waiting.push((target, fault, times)));
    }

    pub(crate) fn clear(&self) {
        self.locked(Vec::clear);
    }

    /// The oldest fault whose target is `meant`, if any; it counts as used once more.
    pub(crate) fn take(&self, meant: impl Fn(&T) -> bool) -> Option<Fault> {
        self.locked(|waiting| {
            waiting.retain(|(_, _, times)| *times > 0);
            let (_, fault, times) = waiting.iter_mut().find(|(target, _, _)| meant(target))?;
            *times -= 1;
            Some(fault.clone())
        })
    }

    /// Whether everything that was to go wrong has been taken by a request.
    pub(crate) fn are_over(&self) -> bool {
        self.locked(|waiting| waiting.iter().all(|(_, _, times)| *times == 0))
    }

    fn locked<R>(&self, act: impl FnOnce(&mut Vec<(T, Fault, u32)>) -> R) -> R {
        act(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Lets `fault` happen to a request that `handle` would answer. Returns the answer, or `None` if the line was cut.
pub(crate) async fn undergo(
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

/// A page for people, with the sentence that servers write most.
fn page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    (status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}

/// An answer whose body is JSON already.
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
