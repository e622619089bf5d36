//! Errors as the REST API tells them.

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// What an address answers: the status and the body, where `null` is none.
pub(super) type Answer = Result<(u16, Value), Problem>;

/// `application/problem+json`, or what is sent in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Problem {
    /// The whole request is refused.
    Plain(u16),
    /// Something about one item of the request is wrong: code, path, detail.
    Invalid { request: usize, code: &'static str, path: String, detail: String },
    /// A batch names something that is not there.
    Missing { request: usize },
    /// The status with a page for people.
    Page(u16),
}

impl Problem {
    pub(super) fn invalid(code: &'static str, path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { request: 0, code, path: path.into(), detail: detail.into() }
    }

    /// The same about another item of the batch.
    pub(super) fn of(self, item: usize) -> Self {
        match self {
            Self::Invalid { code, path, detail, .. } => Self::Invalid { request: item, code, path, detail },
            Self::Missing { .. } => Self::Missing { request: item },
            Self::Plain(_) | Self::Page(_) => self,
        }
    }

    pub(super) fn response(&self) -> Response {
        let plain = |status: u16, detail: &str| {
            let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            json!({ "title": title, "type": format!("https://httpstatus.es/{status}"), "status": status, "detail": detail })
        };
        let (status, body) = match self {
            Self::Page(status) => {
                let page = "<html><body><h1>Go away</h1></body></html>";
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN);
                return (status, [(header::CONTENT_TYPE, "text/html")], page).into_response();
            }
            Self::Plain(status) => (*status, plain(*status, "")),
            Self::Invalid { request, code, path, detail } => {
                let errors = json!([{ "code": code, "path": path, "detail": detail }]);
                let mut body = plain(400, "Request validation failed");
                body["validation-errors"] = json!([{ "request_id": request.to_string(), "errors": errors }]);
                (400, body)
            }
            Self::Missing { request } => {
                let error = json!({ "code": "EntityNotFound", "path": "id", "detail": "Entity not found" });
                (400, json!({ "errors": [{ "request_id": request.to_string(), "errors": error }] }))
            }
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Body::from(body.to_string())).into_response()
    }
}

/// A list as the answers have it; one that is empty is a 204.
pub(super) fn list(name: &str, items: &[Value]) -> (u16, Value) {
    if items.is_empty() {
        return (204, Value::Null);
    }
    (200, json!({ "_total_items": items.len(), "_embedded": { name: items } }))
}

/// One page of a list, by `page` and `limit` of the query; the last one has no `next`.
pub(super) fn page(name: &str, items: &[Value], query: &[(String, String)], most: usize) -> Answer {
    let number = |name: &str, default: usize| match find(query, name) {
        None => Ok(default),
        Some(text) => text.parse().ok().filter(|n| *n > 0).ok_or_else(|| Problem::invalid("InvalidType", name, "")),
    };
    let (page, limit) = (number("page", 1)?, number("limit", most.min(50))?);
    if limit > most {
        return Err(Problem::invalid("OutOfRange", "limit", format!("at most {most}")));
    }
    let start = (page - 1).saturating_mul(limit);
    let shown: Vec<_> = items.iter().skip(start).take(limit).cloned().collect();
    if shown.is_empty() {
        return Ok((204, Value::Null));
    }
    let mut links = json!({ "self": { "href": format!("?page={page}") } });
    if items.len() > start + limit {
        links["next"] = json!({ "href": format!("?page={}", page + 1) });
    }
    Ok((200, json!({ "_page": page, "_links": links, "_embedded": { name: shown } })))
}

/// A parameter of the query.
pub(super) fn find<'q>(query: &'q [(String, String)], name: &str) -> Option<&'q str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The items of a batch, at most `most`.
pub(super) fn batch(body: &Value, most: usize) -> Result<&[Value], Problem> {
    let items = body.as_array().ok_or_else(|| Problem::invalid("InvalidType", "", "an array is expected"))?;
    if items.is_empty() || items.len() > most {
        return Err(Problem::invalid("OutOfRange", "", format!("1 to {most} items are expected")));
    }
    Ok(items)
}
