//! Which process an address leads to.
//!
//! A check of the public address sends a nonce. Only this process knows the answer to that, so whoever hears the same
//! answer by the public address and by the command socket knows that both lead here, and what the path has become on
//! the way.

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

/// The header that holds the nonce.
pub const NONCE: &str = "X-Telekommo-Nonce";
/// How an answer begins.
const BEGIN: &str = "telekommo ";
/// How long a mark is: as SHA-1 is.
const MARK_BYTES: usize = 20;
/// The longest nonce that is answered.
const LONGEST: usize = 64;

/// Identifies this process. Clones are the same process.
#[derive(Clone)]
pub struct ProcessIdentity(Hmac<Sha1>);

/// Which route a request has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// That of the hooks of our scope.
    Hooks,
    /// That of the links to files.
    Files,
    /// Neither.
    Front,
}

/// What a process has answered to a nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The same as the socket's answer, if it is the same process.
    pub mark: String,
    /// The name of the route.
    pub route: String,
}

impl ProcessIdentity {
    /// That of a process that begins.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
    pub fn random() -> Self {
        let mut key = [0; 32];
        fastrand::fill(&mut key);
        Self(Hmac::new_from_slice(&key).expect("HMAC takes a key of any length"))
    }

    /// The answer to a nonce.
    #[must_use]
    pub fn of(&self, nonce: &str) -> String {
        let mark = self.0.clone().chain_update(nonce).finalize().into_bytes();
        BASE64.encode(mark)
    }

    /// The answer to a request that asks for it by a header; `None` if it does not.
    pub(super) fn answer(&self, headers: &HeaderMap, route: impl FnOnce() -> Route) -> Option<Response> {
        let nonce = headers.get(NONCE)?.to_str().ok().filter(|nonce| is_nonce(nonce))?;
        // A proxy that kept it would show the next one who asks another bridge.
        let fresh = [(header::CACHE_CONTROL, "no-store")];
        Some((StatusCode::OK, fresh, format!("{BEGIN}{} {}\n", self.of(nonce), route())).into_response())
    }

    /// `GET /mark/{nonce}`: the answer for callers on this machine.
    pub fn router(self) -> Router {
        let answer = move |Path(nonce): Path<String>| async move {
            if is_nonce(&nonce) { self.of(&nonce).into_response() } else { StatusCode::BAD_REQUEST.into_response() }
        };
        Router::new().route("/mark/{nonce}", get(answer))
    }
}

impl Answer {
    /// Reads an answer; `None` if it is none of a telekommo.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (mark, route) = text.strip_prefix(BEGIN)?.trim_end().split_once(' ')?;
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
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|sign| sign.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn asked(mark: &ProcessIdentity, nonce: &str) -> Option<Answer> {
        let mut headers = HeaderMap::new();
        headers.insert(NONCE, nonce.parse().unwrap());
        let answer = mark.answer(&headers, || Route::Hooks)?;
        Answer::read(std::str::from_utf8(&to_bytes(answer.into_body(), 1024).await.unwrap()).unwrap())
    }

    #[tokio::test]
    async fn a_process_is_known_by_its_answer_to_a_nonce() {
        let (ours, other) = (ProcessIdentity::random(), ProcessIdentity::random());
        let want = Answer { mark: ours.of("n1"), route: "hooks".to_owned() };
        assert_eq!(asked(&ours, "n1").await, Some(want.clone()));
        assert_ne!(asked(&ours, "n2").await, Some(want.clone()));
        assert_ne!(asked(&other, "n1").await, Some(want));
        assert!(ours.answer(&HeaderMap::new(), || Route::Front).is_none());
        let long = "x".repeat(LONGEST + 1);
        for nonsense in ["", "a b", "a/b", &long] {
            assert_eq!(asked(&ours, nonsense).await, None, "{nonsense}");
        }
    }

    #[test]
    fn what_others_answer_is_no_mark() {
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
