//! Answers of our own, in the shape of the Bot API's ("Making requests").

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

/// An answer of our own.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    code: u16,
    body: Value,
}

impl Answer {
    /// A result.
    pub fn ok(result: impl Serialize) -> Self {
        Self { code: 200, body: json!({ "ok": true, "result": result }) }
    }

    /// That something was done, in words for people.
    #[must_use]
    pub fn done(description: &str) -> Self {
        Self { code: 200, body: json!({ "ok": true, "result": true, "description": description }) }
    }

    /// An error: an HTTP status, and words for people that begin as Telegram's do.
    #[must_use]
    pub fn refused(code: u16, description: &str) -> Self {
        Self { code, body: json!({ "ok": false, "error_code": code, "description": description }) }
    }

    /// What is asked too often, and may be asked again after so long.
    #[must_use]
    pub fn too_many(seconds: u64) -> Self {
        let mut this = Self::refused(429, &format!("Too Many Requests: retry after {seconds}"));
        this.body["parameters"] = json!({ "retry_after": seconds });
        this
    }

    pub(super) fn unauthorized() -> Self {
        Self::refused(401, "Unauthorized")
    }

    pub(super) fn not_found() -> Self {
        Self::refused(404, "Not Found")
    }

    pub(super) fn no_such_method() -> Self {
        Self::refused(404, "Not Found: method not found")
    }

    pub(super) fn too_large() -> Self {
        Self::refused(413, "Request Entity Too Large")
    }

    /// The HTTP status.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    #[must_use]
    pub const fn body(&self) -> &Value {
        &self.body
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/json")], self.body.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_ours_looks_as_telegrams() {
        let told = |answer: Answer| (answer.code(), answer.body().to_string());
        let too_many = r#"{"description":"Too Many Requests: retry after 3","error_code":429,"ok":false,"parameters":{"retry_after":3}}"#;
        assert_eq!(told(Answer::too_many(3)), (429, too_many.to_owned()));
        let unauthorized = r#"{"description":"Unauthorized","error_code":401,"ok":false}"#;
        assert_eq!(told(Answer::unauthorized()), (401, unauthorized.to_owned()));
        assert_eq!(told(Answer::ok([1])), (200, r#"{"ok":true,"result":[1]}"#.to_owned()));
    }
}
