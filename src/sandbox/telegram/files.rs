//! How a bot fetches files.

use std::{fs, path::Path};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::sandbox::telegram::{
    arguments::Arguments,
    hosting::Hosting,
    methods::{Answer, Refusal, UNAUTHORIZED},
    world::World,
};

/// `getFile`.
pub(super) fn get_file(world: &World, token: &str, arguments: &Arguments) -> Answer {
    let id = arguments.text("file_id").ok_or(Refusal::new(400, "Bad Request: file_id not specified"))?;
    let known = world.files.get(id).filter(|file| file.token == token);
    let file = known.ok_or(Refusal::new(400, "Bad Request: invalid file_id"))?;
    if file.bytes.len() > world.hosting.largest_download() {
        return Err(Refusal::new(400, "Bad Request: file is too big"));
    }
    let path = match &world.hosting {
        Hosting::Cloud | Hosting::Own => file.path.clone(),
        Hosting::Local(directory) => downloaded(&directory.join(token).join(&file.path), &file.bytes)?,
    };
    Ok(json!({ "file_id": id, "file_unique_id": "u", "file_size": file.bytes.len(), "file_path": path }))
}

/// Puts a file onto the server's disk. Gives its absolute path.
fn downloaded(path: &Path, bytes: &Bytes) -> Result<String, Refusal> {
    let place = |path: &Path| {
        fs::create_dir_all(path.parent()?).ok()?;
        fs::write(path, bytes).ok()?;
        Some(std::path::absolute(path).ok()?.to_str()?.to_owned())
    };
    place(path).ok_or(Refusal::new(400, "Bad Request: wrong file_id or the file is temporarily unavailable"))
}

/// The token and the file that a path names: `/file/bot<token>/<path>`, the path's slashes encoded or not.
pub(super) fn address(path: &str) -> Option<(String, String)> {
    let (token, path) = path.strip_prefix("/file/bot")?.split_once('/')?;
    Some((token.replace("%3A", ":"), path.replace("%2F", "/")))
}

/// The file, or the part of it that `Range` asks for.
pub(super) fn download(world: &World, token: &str, path: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    if world.hosting != Hosting::Cloud {
        return Err(Refusal::new(404, "Not Found"));
    }
    if world.bots.get(token).is_none_or(|bot| bot.revoked) {
        return Err(UNAUTHORIZED);
    }
    let file = world.files.values().find(|file| file.token == token && file.path == path);
    let bytes = file.ok_or(Refusal::new(404, "Not Found"))?.bytes.clone();
    let length = bytes.len();
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let kind = [(header::CONTENT_TYPE, "application/octet-stream"), (header::ACCEPT_RANGES, "bytes")];
    Ok(match asked.map_or(Part::Whole, |range| Part::of(range, length)) {
        Part::Whole => (kind, bytes).into_response(),
        Part::Beyond => {
            let whole = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, whole, Body::empty()).into_response()
        }
        Part::Bytes(first, last) => {
            let range = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))];
            (StatusCode::PARTIAL_CONTENT, kind, range, bytes.slice(first..=last)).into_response()
        }
    })
}

/// What a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Everything, since nothing that can be read is asked for.
    Whole,
    /// Nothing that the file has.
    Beyond,
    /// The first and the last byte.
    Bytes(usize, usize),
}

impl Part {
    /// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`.
    fn of(range: &str, length: usize) -> Self {
        let ends = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
        let Some((first, last)) = ends else { return Self::Whole };
        let Some(end) = length.checked_sub(1) else { return Self::Beyond };
        let read = match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) => (first, last.min(end)),
            (Ok(first), Err(_)) => (first, end),
            (Err(_), Ok(count)) => (length.saturating_sub(count), end),
            (Err(_), Err(_)) => return Self::Whole,
        };
        if read.0 <= read.1 { Self::Bytes(read.0, read.1) } else { Self::Beyond }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_http_says() {
        for (range, read) in [
            ("bytes=0-3", Part::Bytes(0, 3)),
            ("bytes=4-", Part::Bytes(4, 9)),
            ("bytes=-2", Part::Bytes(8, 9)),
            ("bytes=5-99", Part::Bytes(5, 9)),
            ("bytes=10-", Part::Beyond),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(Part::of(range, 10), read, "{range}");
        }
    }
}
