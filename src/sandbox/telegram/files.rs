//! How a bot fetches files.

use std::{fs, path::Path};

use axum::{body::Bytes, http::HeaderMap, response::Response};
use serde_json::json;

use crate::sandbox::{
    range,
    telegram::{
        arguments::Arguments,
        attachments,
        hosting::Hosting,
        methods::{Answer, Refusal, UNAUTHORIZED},
        world::World,
    },
};

/// What is no id of a file (server source, `check_remote_file_id`).
const INVALID: Refusal = Refusal::new(400, "Bad Request: invalid file_id");
/// The id of a file that cannot be had: it is gone, another bot's, or there is trouble (server source,
/// `on_update_file`).
const UNAVAILABLE: Refusal = Refusal::new(400, "Bad Request: wrong file_id or the file is temporarily unavailable");

/// `getFile`.
pub(super) fn get_file(world: &World, token: &str, arguments: &Arguments) -> Answer {
    let id = arguments.text("file_id").ok_or(Refusal::new(400, "Bad Request: file_id not specified"))?;
    let known = world.files.get(id).filter(|file| file.token == token);
    let file = known.ok_or_else(|| if attachments::is_id(id) { UNAVAILABLE } else { INVALID })?;
    if file.bytes.len() > world.hosting.largest_download() {
        return Err(Refusal::new(400, "Bad Request: file is too big"));
    }
    let path = match &world.hosting {
        Hosting::Cloud | Hosting::Own => file.path.clone(),
        Hosting::Local(directory) => downloaded(&directory.join(token).join(&file.path), &file.bytes)?,
    };
    Ok(json!({ "file_id": id, "file_unique_id": "u", "file_size": file.bytes.len(), "file_path": path }))
}

/// Puts a file onto the server's disk. Returns its absolute path.
fn downloaded(path: &Path, bytes: &Bytes) -> Result<String, Refusal> {
    let place = |path: &Path| {
        fs::create_dir_all(path.parent()?).ok()?;
        fs::write(path, bytes).ok()?;
        Some(std::path::absolute(path).ok()?.to_str()?.to_owned())
    };
    place(path).ok_or(UNAVAILABLE)
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
    Ok(range::part("application/octet-stream", bytes, headers))
}
