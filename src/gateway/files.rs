//! Downloads of files from Telegram, for the program of the bot.

use axum::{
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::gateway::{
    Program,
    answer::Answer,
    forward::{bad_gateway, proxied},
};

/// Request headers that choose a part of a file.
const RANGE_HEADERS: [HeaderName; 5] =
    [header::RANGE, header::IF_RANGE, header::IF_MODIFIED_SINCE, header::IF_NONE_MATCH, header::IF_UNMODIFIED_SINCE];
/// Response headers that are returned to the program.
const RETURNED_HEADERS: [HeaderName; 8] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_DISPOSITION,
    header::ACCEPT_RANGES,
    header::CACHE_CONTROL,
    header::ETAG,
    header::LAST_MODIFIED,
];

pub(super) async fn open(program: &Program, path: &str, request_headers: &HeaderMap) -> Response {
    if program.is_local {
        // Such a server serves no files, and its paths must not become known.
        return Answer::refused(404, "Not Found: files are not served while telegram.local is set").into_response();
    }
    let Ok(_permit) = program.call_permits.try_acquire() else { return Answer::too_many(1).into_response() };
    let Some(path) = decoded(path) else { return Answer::not_found().into_response() };
    if path.is_empty() || path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return Answer::not_found().into_response();
    }
    let mut headers = HeaderMap::new();
    for name in RANGE_HEADERS {
        if let Some(value) = request_headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    let answer = match program.bot.pass_file(&path, headers).await {
        Ok(answer) => answer,
        Err(why) => {
            tracing::warn!(program = program.name, %why, "cannot download a file from Telegram for a program");
            return bad_gateway().into_response();
        }
    };
    match answer.status() {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE => {
            proxied(answer, &RETURNED_HEADERS)
        }
        StatusCode::NOT_FOUND => Answer::not_found().into_response(),
        StatusCode::TOO_MANY_REQUESTS => Answer::too_many(1).into_response(),
        _ => bad_gateway().into_response(),
    }
}

/// Decodes the percent signs of a path; `None` if it is malformed.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte == b'%' {
            let (code, behind) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(str::from_utf8(code).ok()?, 16).ok()?);
            rest = behind;
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_percent_decoded() {
        assert_eq!(decoded("photos%2Ffile%201.jpg").as_deref(), Some("photos/file 1.jpg"));
        assert_eq!(decoded("%D0%B0").as_deref(), Some("а"));
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
