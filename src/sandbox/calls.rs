//! The calls themselves, for whoever wants to see what goes over the wire. Tokens, secrets and signatures are left out.

use axum::{
    body::{Body, to_bytes},
    http::header,
    response::Response,
};
use serde::Serialize;

/// The most that is kept of a body, in characters.
const MOST: usize = 6000;
/// Where the address of a file begins that only its link lets anybody have.
const LINK: &str = "/media/";
/// What stands for what is left out.
const HIDDEN: char = '…';

/// A call and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Call {
    /// The method and the path.
    request: String,
    /// The body, or what was asked in it.
    asked: String,
    /// The body of the answer; `None` if there was none, or nobody has read it.
    answered: Option<String>,
}

impl Call {
    pub(crate) fn new(request: &str, asked: &str, answered: Option<&str>) -> Self {
        Self { request: shown(request), asked: shown(asked), answered: answered.map(shown) }
    }
}

/// A bot's token without what is secret about it.
pub(crate) fn hidden(token: &str) -> String {
    format!("{}:{HIDDEN}", token.split(':').next().unwrap_or_default())
}

/// A text as it is shown: without the signed part of links, and not for ever.
fn shown(text: &str) -> String {
    let mut pieces = text.split(LINK);
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|sign: char| sign.is_ascii_alphanumeric() || "-_.=".contains(sign));
        shown.push_str(LINK);
        shown.push(HIDDEN);
        shown.push_str(rest);
    }
    match shown.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}{HIDDEN}", &shown[..at]),
        None => shown,
    }
}

/// Reads the body of an answer that a fake holds in memory, and gives the answer back. Files are not read.
pub(crate) async fn seen(response: Response) -> (Response, Option<String>) {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !["application/json", "text/html"].contains(&kind) {
        return (response, None);
    }
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (Response::from_parts(head, Body::from(bytes)), Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_access_is_left_out() {
        let asked =
            r#"{"media":"http://127.0.0.1:1/media/eyJz-_.c2lnbmF0dXJl/photo.jpg","avatar":"https://x/media/ab.cd"}"#;
        let call = Call::new(&format!("POST /bot{}/sendMessage", hidden("7:AAsecret")), asked, Some("{}"));
        assert_eq!(call.request, "POST /bot7:…/sendMessage");
        assert_eq!(call.asked, r#"{"media":"http://127.0.0.1:1/media/…/photo.jpg","avatar":"https://x/media/…"}"#);
        assert_eq!(call.answered.as_deref(), Some("{}"));
        let long = Call::new("", &"é".repeat(MOST + 1), None);
        assert_eq!(long.asked.chars().count(), MOST + 1);
    }
}
