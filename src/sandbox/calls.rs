//! Calls with their bodies, for the page. Tokens, secrets and signatures are redacted.

use axum::{
    body::{Body, to_bytes},
    http::header,
    response::Response,
};
use serde::Serialize;

/// How much of a body is kept, in characters.
const MAX_CHARS: usize = 6000;
/// The beginning of a signed link's path.
const LINK: &str = "/media/";
/// Replaces redacted parts.
const HIDDEN: char = '…';

/// A call and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Call {
    /// The method and the path.
    request: String,
    /// The body, or its parameters.
    asked: String,
    /// The body of the response; `None` if there was none, or it was not read.
    answered: Option<String>,
}

impl Call {
    pub(crate) fn new(request: &str, asked: &str, answered: Option<&str>) -> Self {
        Self { request: redacted(request), asked: redacted(asked), answered: answered.map(redacted) }
    }
}

/// A bot's token without its secret part.
pub(crate) fn redacted_token(token: &str) -> String {
    format!("{}:{HIDDEN}", token.split(':').next().unwrap_or_default())
}

/// A text without the signed part of links, and shortened.
fn redacted(text: &str) -> String {
    let mut parts = text.split(LINK);
    let mut redacted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|sign: char| sign.is_ascii_alphanumeric() || "-_.=".contains(sign));
        redacted.push_str(LINK);
        redacted.push(HIDDEN);
        redacted.push_str(rest);
    }
    match redacted.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}{HIDDEN}", &redacted[..at]),
        None => redacted,
    }
}

/// Reads the body of a response in memory, and returns both. Files are not read.
pub(crate) async fn buffered(response: Response) -> (Response, Option<String>) {
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
    fn secrets_are_redacted() {
        let asked =
            r#"{"media":"http://127.0.0.1:1/media/eyJz-_.c2lnbmF0dXJl/photo.jpg","avatar":"https://x/media/ab.cd"}"#;
        let call = Call::new(&format!("POST /bot{}/sendMessage", redacted_token("7:AAsecret")), asked, Some("{}"));
        assert_eq!(call.request, "POST /bot7:…/sendMessage");
        assert_eq!(call.asked, r#"{"media":"http://127.0.0.1:1/media/…/photo.jpg","avatar":"https://x/media/…"}"#);
        assert_eq!(call.answered.as_deref(), Some("{}"));
        let long = Call::new("", &"é".repeat(MAX_CHARS + 1), None);
        assert_eq!(long.asked.chars().count(), MAX_CHARS + 1);
    }
}
