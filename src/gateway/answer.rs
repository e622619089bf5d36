//! The gateway's own responses, in the format of the Bot API ("Making requests").

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

/// A response that does not come from Telegram.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    code: u16,
    body: Value,
}

impl Answer {
    pub fn ok(result: impl Serialize) -> Self {
        Self { code: 200, body: json!({ "ok": true, "result": result }) }
    }

    /// Success, with a description for people.
    #[must_use]
    pub fn done(description: &str) -> Self {
        Self { code: 200, body: json!({ "ok": true, "result": true, "description": description }) }
    }

    /// An error: an HTTP status, and a description that begins as Telegram's do.
    #[must_use]
    pub fn refused(code: u16, description: &str) -> Self {
        Self { code, body: json!({ "ok": false, "error_code": code, "description": description }) }
    }

    /// Too many requests; the caller may try again after `seconds`.
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
    fn answers_have_telegrams_format() {
        let code_and_body = |answer: Answer| (answer.code(), answer.body().to_string());
        let too_many = r#"{"description":"Too Many Requests: retry after 3","error_code":429,"ok":false,"parameters":{"retry_after":3}}"#;
        assert_eq!(code_and_body(Answer::too_many(3)), (429, too_many.to_owned()));
        let unauthorized = r#"{"description":"Unauthorized","error_code":401,"ok":false}"#;
        assert_eq!(code_and_body(Answer::unauthorized()), (401, unauthorized.to_owned()));
        assert_eq!(code_and_body(Answer::ok([1])), (200, r#"{"ok":true,"result":[1]}"#.to_owned()));
    }
}
