//! Files of imported messages, which the import has copied to `data_dir`.

use std::{
    io::SeekFrom,
    path::{Path, PathBuf},
};

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use tokio_util::io::ReaderStream;

use crate::media::{
    exact_length::{LengthMismatch, with_exact_length},
    range::{Bytes, requested},
};

/// How much of a file is read at once, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// The folder of imported files.
#[must_use]
pub fn dir(data_dir: &Path) -> PathBuf {
    data_dir.join("imports")
}

/// Opens the file at `relative`, which is `{import}/{chat}/{message}`; `None` if it does not exist, or if the path has
/// another format, because that might lead elsewhere.
pub(super) async fn open(dir: &Path, relative: &str) -> Option<(File, u64)> {
    let segments: Vec<_> = relative.split('/').collect();
    let is_safe = |segment: &&str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    if segments.len() != 3 || !segments.iter().all(is_safe) {
        return None;
    }
    let path = dir.join(relative);
    let metadata = readable(relative, fs::symlink_metadata(&path).await).filter(std::fs::Metadata::is_file)?;
    Some((readable(relative, File::open(&path).await)?, metadata.len()))
}

/// The result of an access to a file. One that exists and cannot be read is logged, because a person has to act.
fn readable<T>(relative: &str, result: std::io::Result<T>) -> Option<T> {
    result
        .inspect_err(|error| {
            if error.kind() != std::io::ErrorKind::NotFound {
                tracing::warn!(
                    file = relative,
                    %error,
                    "cannot read an imported file: make data_dir/imports readable for telekommo's user"
                );
            }
        })
        .ok()
}

/// The response with a file of this length; without a body if it `is_head`. It breaks off if the file is truncated
/// while it is read. Calls `on_end` with the result of reading it.
pub(super) async fn answer(
    (mut file, length): (File, u64),
    range: Option<&HeaderValue>,
    is_head: bool,
    on_end: impl FnOnce(Result<(), LengthMismatch>) + Send + 'static,
) -> std::io::Result<Response<Body>> {
    let bytes = if is_head { Bytes::All } else { requested(range, length) };
    let (status, first, count) = match bytes {
        Bytes::All => (StatusCode::OK, 0, length),
        Bytes::Some(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Bytes::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    file.seek(SeekFrom::Start(first)).await?;
    let body = if is_head {
        Body::empty()
    } else {
        Body::from_stream(with_exact_length(
            ReaderStream::with_capacity(file.take(count), CHUNK_BYTES),
            Some(count),
            on_end,
        ))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, count.into());
    let range = match bytes {
        Bytes::All => None,
        Bytes::Some(first, last) => Some(format!("bytes {first}-{last}/{length}")),
        Bytes::Beyond => Some(format!("bytes */{length}")),
    };
    if let Some(range) = range.and_then(|range| HeaderValue::try_from(range).ok()) {
        headers.insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_files_of_imports_are_opened() {
        let data = tempfile::TempDir::new().unwrap();
        let dir = dir(data.path());
        std::fs::create_dir_all(dir.join("1-2/7")).unwrap();
        std::fs::write(dir.join("1-2/7/5.jpg"), "12345").unwrap();
        std::fs::write(dir.join("1-2/done.jsonl"), "x").unwrap();
        std::fs::write(data.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(data.path().join("secret"), dir.join("1-2/7/link")).unwrap();
        assert_eq!(open(&dir, "1-2/7/5.jpg").await.unwrap().1, 5);
        for path in [
            "1-2/done.jsonl",
            "../secret",
            "1-2/../../secret",
            "1-2/7/link",
            "1-2/7/6.jpg",
            "/1-2/7/5.jpg",
            "1-2/7",
            "",
        ] {
            assert!(open(&dir, path).await.is_none(), "{path}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_truncated_while_it_is_read_breaks_off() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("file");
        for (range, left, is_complete) in
            [(None, 5, true), (None, 4, false), (Some("bytes=1-3"), 4, true), (Some("bytes=1-3"), 3, false)]
        {
            std::fs::write(&path, "12345").unwrap();
            let file = File::open(&path).await.unwrap();
            let range = range.map(HeaderValue::from_static);
            let response = answer((file, 5), range.as_ref(), false, |_| ()).await.unwrap();
            std::fs::File::options().write(true).open(&path).unwrap().set_len(left).unwrap();
            let read = axum::body::to_bytes(response.into_body(), 100).await;
            assert_eq!(read.is_ok(), is_complete, "{range:?} of {left}");
        }
    }
}
