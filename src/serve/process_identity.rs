//! Identifies the process behind a URL. A check of the public address sends a nonce. Only this process knows the
//! response to it. So a check that gets the same response from the public address and from the command socket knows
//! that both lead to the same process, and how the path has changed on the way.

use std::fmt;

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The header with the nonce.
pub const NONCE: &str = "X-Telekommo-Nonce";
/// The prefix of a response.
const PREFIX: &str = "telekommo ";
/// The length of a mark: that of SHA-1.
const MARK_BYTES: usize = 20;
/// The longest nonce.
const MAX_NONCE_CHARS: usize = 64;

/// Identifies this process. Clones are the same process.
#[derive(Clone)]
pub struct ProcessIdentity(Hmac<Sha1>);

/// The route of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Hooks of our scope.
    Hooks,
    /// Links to files.
    Files,
    /// Neither.
    Front,
}

/// The response of a process to a nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// An HMAC of the nonce. The same process gives the same one over the command socket.
    pub mark: String,
    /// The name of the route.
    pub route: String,
}

impl ProcessIdentity {
    /// A new identity, for a process that starts.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
    pub fn random() -> Self {
        let mut key = [0; 32];
        fastrand::fill(&mut key);
        Self(Hmac::new_from_slice(&key).expect("HMAC takes a key of any length"))
    }

    /// The mark for a nonce.
    #[must_use]
    pub fn of(&self, nonce: &str) -> String {
        let mark = self.0.clone().chain_update(nonce).finalize().into_bytes();
        BASE64.encode(mark)
    }

    /// The response to a request with a nonce in its header; `None` without one.
    pub(super) fn answer(&self, headers: &HeaderMap, route: impl FnOnce() -> Route) -> Option<Response> {
        let nonce = headers.get(NONCE)?.to_str().ok().filter(|nonce| is_nonce(nonce))?;
        // Cached by a proxy, it would be taken for the response to another check.
        let fresh = [(header::CACHE_CONTROL, "no-store")];
        Some((StatusCode::OK, fresh, format!("{PREFIX}{} {}\n", self.of(nonce), route())).into_response())
    }

    /// `GET /mark/{nonce}`: the mark, for callers on this machine.
    pub fn router(self) -> Router {
        let answer = move |Path(nonce): Path<String>| async move {
            if is_nonce(&nonce) { self.of(&nonce).into_response() } else { StatusCode::BAD_REQUEST.into_response() }
        };
        Router::new().route("/mark/{nonce}", get(answer))
    }
}

impl Answer {
    /// Parses a response; `None` if it is not that of a telekommo.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (mark, route) = text.strip_prefix(PREFIX)?.trim_end().split_once(' ')?;
        let is_mark = BASE64.decode(mark).is_ok_and(|mark| mark.len() == MARK_BYTES);
        is_mark.then(|| Self { mark: mark.to_owned(), route: route.to_owned() })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hooks => "hooks",
            Self::Files => "files",
            Self::Front => "front",
        })
    }
}

fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NONCE_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn response_to(mark: &ProcessIdentity, nonce: &str) -> Option<Answer> {
        let mut headers = HeaderMap::new();
        headers.insert(NONCE, nonce.parse().unwrap());
        let answer = mark.answer(&headers, || Route::Hooks)?;
        Answer::read(std::str::from_utf8(&to_bytes(answer.into_body(), 1024).await.unwrap()).unwrap())
    }

    #[tokio::test]
    async fn a_process_is_identified_by_its_response_to_a_nonce() {
        let (ours, other) = (ProcessIdentity::random(), ProcessIdentity::random());
        let want = Answer { mark: ours.of("n1"), route: "hooks".to_owned() };
        assert_eq!(response_to(&ours, "n1").await, Some(want.clone()));
        assert_ne!(response_to(&ours, "n2").await, Some(want.clone()));
        assert_ne!(response_to(&other, "n1").await, Some(want));
        assert!(ours.answer(&HeaderMap::new(), || Route::Front).is_none());
        let long = "x".repeat(MAX_NONCE_CHARS + 1);
        for nonsense in ["", "a b", "a/b", &long] {
            assert_eq!(response_to(&ours, nonsense).await, None, "{nonsense}");
        }
    }

    #[test]
    fn other_responses_are_no_marks() {
        for text in ["", "telekommo listens here for Kommo's hooks\n", "<html>telekommo abcd hooks", "telekommo abcd"] {
            assert_eq!(Answer::read(text), None, "{text}");
        }
        let mark = ProcessIdentity::random().of("n1");
        assert_eq!(
            Answer::read(&format!("telekommo {mark} front\n")),
            Some(Answer { mark, route: "front".to_owned() })
        );
    }
}
