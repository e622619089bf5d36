//! Files at Telegram, for the program whose bot may have them.

use axum::{
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::gateway::{
    Program,
    answer::Answer,
    forward::{back, bad_gateway},
};

/// What tells which part of a file is wanted.
const WANTED: [HeaderName; 5] =
    [header::RANGE, header::IF_RANGE, header::IF_MODIFIED_SINCE, header::IF_NONE_MATCH, header::IF_UNMODIFIED_SINCE];
/// What of an answer's head goes back.
const KEPT: [HeaderName; 8] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_DISPOSITION,
    header::ACCEPT_RANGES,
    header::CACHE_CONTROL,
    header::ETAG,
    header::LAST_MODIFIED,
];

pub(super) async fn open(program: &Program, path: &str, asked: &HeaderMap) -> Response {
    if program.is_local {
        // It serves none, and a place on its machine is nobody's business.
        return Answer::refused(404, "Not Found: files are not served while telegram.local is set").into_response();
    }
    let Ok(_room) = program.room.try_acquire() else { return Answer::too_many(1).into_response() };
    let Some(path) = decoded(path) else { return Answer::not_found().into_response() };
    if path.is_empty() || path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return Answer::not_found().into_response();
    }
    let mut wanted = HeaderMap::new();
    for name in WANTED {
        if let Some(value) = asked.get(&name) {
            wanted.insert(name, value.clone());
        }
    }
    let answer = match program.bot.pass_file(&path, wanted).await {
        Ok(answer) => answer,
        Err(why) => {
            tracing::warn!(program = program.name, %why, "a file for a program cannot be fetched from Telegram");
            return bad_gateway().into_response();
        }
    };
    match answer.status() {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE => {
            back(answer, &KEPT)
        }
        StatusCode::NOT_FOUND => Answer::not_found().into_response(),
        StatusCode::TOO_MANY_REQUESTS => Answer::too_many(1).into_response(),
        _ => bad_gateway().into_response(),
    }
}

/// A path as it is meant; `None` if it cannot be read.
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
    fn a_path_is_read_as_it_is_meant() {
        assert_eq!(decoded("photos%2Ffile%201.jpg").as_deref(), Some("photos/file 1.jpg"));
        assert_eq!(decoded("%D0%B0").as_deref(), Some("а"));
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
