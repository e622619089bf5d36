//! Properties of links and of their files, for any bytes.

use std::{fs, path::PathBuf};

use axum::{
    body::to_bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use hyper::body::Bytes;
use reqwest::Url;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::{
    domain::{
        address::SourceId,
        message::{Media, MediaKind},
        time::UnixMillis,
    },
    fuzz::{
        input::Input,
        range::{Requested, requested},
    },
    media::{
        disk::Disk,
        exact_length::{self, LengthMismatch},
        imported,
        link::{ImportedFile, LinkKey, MediaLinks, Target},
        serve,
    },
};

const NOW: UnixMillis = UnixMillis(1_786_017_600_000);
const PUBLIC_URL: &str = "https://bridge.example.com/telegram";
/// The content of every file that may be read, and of none that may not.
const INSIDE: &[u8] = b"inside";
/// The largest file that is read in parts.
const MAX_FILE_BYTES: usize = 200;

thread_local! {
    static FIXTURE: Fixture = Fixture::new();
}

/// A folder with files that may be read, and others.
struct Fixture {
    home: TempDir,
    disk: Disk,
    runtime: Runtime,
}

impl Fixture {
    fn new() -> Self {
        let home = TempDir::new().expect("a folder");
        let dir = imported::dir(home.path());
        let valid_link = fs::create_dir_all(dir.join("1-2/7"))
            .and_then(|()| fs::write(dir.join("1-2/7/5.jpg"), INSIDE))
            .and_then(|()| fs::write(dir.join("1-2/done.jsonl"), "outside"))
            .and_then(|()| fs::write(home.path().join("secret"), "outside"))
            .and_then(|()| std::os::unix::fs::symlink(home.path().join("secret"), dir.join("1-2/7/link")))
            .and_then(|()| fs::write(home.path().join("part"), content()));
        valid_link.expect("files");
        let disk = Disk::open(&dir.join("1-2/7")).expect("it is there");
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        Self { home, disk, runtime }
    }

    fn imports(&self) -> PathBuf {
        imported::dir(self.home.path())
    }
}

fn content() -> Vec<u8> {
    (0..=u8::MAX).take(MAX_FILE_BYTES).collect()
}

/// Paths of requests, links to any file, and paths of files.
pub(crate) fn links(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() % 4 {
        0 => any_link(&String::from_utf8_lossy(input.rest())),
        1 => valid_link(&mut input),
        2 => imported_file(&String::from_utf8_lossy(input.rest())),
        _ => file_on_disk(&String::from_utf8_lossy(input.rest())),
    }
}

fn key() -> LinkKey {
    LinkKey::derive("0123456789abcdef0123456789abcdef01234567")
}

/// Only links that were made here are opened: `@` stands for one.
fn any_link(path: &str) {
    let (key, url) = (key(), Url::parse(PUBLIC_URL).expect("it is one"));
    let links = MediaLinks { key: &key, public_url: &url, expires_at: UnixMillis(NOW.0 + 1000) };
    let file = ImportedFile {
        path: "1-2/7/5.jpg".to_owned(),
        file_name: "a".to_owned(),
        mime_type: None,
        expires_at_seconds: 0,
    };
    let link = links.to_imported(&file);
    let sealed = link.rsplit('/').nth(1).unwrap_or_default();
    let path = path.replace('@', sealed);
    if let Ok(target) = key.open(&path, NOW) {
        assert_eq!(target, Target::Imported(ImportedFile { expires_at_seconds: NOW.seconds() + 1, ..file }));
        assert_eq!(path.split('/').filter(|segment| !segment.is_empty()).nth(1), Some(sealed));
        assert!(serve::MediaServer::is_link(&path) || !path.trim_start_matches('/').starts_with("media/"));
    }
}

/// A link to a file with a name, an id and a type in a line each leads to it until it expires, and is shown as no page.
fn valid_link(input: &mut Input<'_>) {
    let (file_name, file_id, mime) = (input.line(), input.line(), input.line());
    let mime_type = Some(mime).filter(|mime| !mime.is_empty());
    let size_bytes = Some(input.number()).filter(|size| *size > 0);
    let media = Media {
        kind: MediaKind::File,
        file_id,
        file_name,
        mime_type,
        size_bytes,
        duration_seconds: None,
        caption: None,
    };
    let source = SourceId::parse("sales: east").expect("it is one");
    let (key, url) = (key(), Url::parse(PUBLIC_URL).expect("it is one"));
    let links = MediaLinks { key: &key, public_url: &url, expires_at: UnixMillis(NOW.0 + 1000) };
    let link = links.to(&source, &media);
    assert!(Url::parse(&link).is_ok_and(|url| url.as_str() == link && url.query().is_none()), "{link}");
    let path = link.strip_prefix(PUBLIC_URL).expect("below the public address");
    assert!(serve::MediaServer::is_link(path));
    let Ok(Target::AtTelegram(linked)) = key.open(path, NOW) else { unreachable!("{link} leads nowhere") };
    assert_eq!((&linked.source, &linked.file_id, &linked.file_name), (&source, &media.file_id, &media.file_name));
    assert_eq!((&linked.mime_type, linked.size_bytes), (&media.mime_type, media.size_bytes));
    assert!(key.open(path, links.expires_at).is_err(), "it expires");
    let at = "/media/".len() + usize::from(input.byte()) % (path.len() - "/media/".len());
    let sealed = path["/media/".len()..].split('/').next().unwrap_or_default();
    if at < "/media/".len() + sealed.len() {
        let other = if path.as_bytes()[at] == b'A' { "B" } else { "A" };
        assert!(key.open(&[&path[..at], other, &path[at + 1..]].concat(), NOW).is_err(), "{at} of {path} was changed");
    }
    shown(&serve::headers(linked.mime_type.as_deref().unwrap_or_default(), &linked.file_name), &linked.file_name);
}

/// A browser shows images, videos and audio, and saves everything else. No name breaks out of its header.
fn shown(headers: &HeaderMap, name: &str) {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text(header::CONTENT_TYPE).to_ascii_lowercase();
    assert_eq!(kind.split('/').filter(|part| !part.is_empty()).count(), 2, "{kind}");
    assert!(!kind.contains([',', ';', ' ']), "{kind}");
    let is_inline = ["image/", "video/", "audio/"].iter().any(|of| kind.starts_with(of))
        && !kind.starts_with("image/svg")
        && !kind.ends_with("xml");
    let (of, subtype) = kind.split_once('/').unwrap_or_default();
    let is_page = subtype.contains("html") || subtype.ends_with("xml") || ["multipart", "message"].contains(&of);
    assert!(!is_page, "{kind} is a page to a browser");
    let disposition = text(header::CONTENT_DISPOSITION);
    assert!(disposition.starts_with("attachment") || is_inline && disposition.starts_with("inline"), "{disposition}");
    assert_eq!(text(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(text(header::CONTENT_SECURITY_POLICY), "sandbox");
    let [_, plain, encoded] = disposition.split('"').collect::<Vec<_>>()[..] else { unreachable!("{disposition}") };
    assert!(!plain.contains(['/', '\\']), "{disposition}");
    let encoded = encoded.strip_prefix("; filename*=UTF-8''").expect("the name as it is");
    assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"%.-_".contains(&byte)), "{disposition}");
    let unfit = ["%0", "%1", "%7F", "%C2%8", "%C2%9", "%2F", "%5C"];
    assert!(!unfit.iter().any(|unfit| encoded.contains(unfit)), "{disposition}");
    let escaped = encoded.bytes().filter(|byte| *byte == b'%').count();
    assert_eq!(encoded.len() - 2 * escaped, name.len() - controls(name), "{disposition}");
}

/// How many bytes the control characters, which become `_`, have beyond one each.
fn controls(name: &str) -> usize {
    name.chars().filter(|c| c.is_control()).map(|c| c.len_utf8() - 1).sum()
}

/// No path leads out of the folder of imports.
fn imported_file(relative: &str) {
    FIXTURE.with(|fixture| {
        let any_link = fixture.runtime.block_on(imported::open(&fixture.imports(), relative));
        let Some((file, length)) = any_link else { return };
        assert_eq!(length, INSIDE.len() as u64, "{relative}");
        let read = fixture.runtime.block_on(async {
            let answer = imported::answer((file, length), None, false, |_| ()).await.expect("it can be read");
            to_bytes(answer.into_body(), MAX_FILE_BYTES).await.expect("it is whole")
        });
        assert_eq!(read, INSIDE, "{relative}");
    });
}

/// No path leads out of the server's folder, which `@` stands for.
fn file_on_disk(path: &str) {
    FIXTURE.with(|fixture| {
        let path = path.replace('@', &fixture.imports().join("1-2/7").to_string_lossy());
        if path.contains('\0') {
            return;
        }
        let read = fixture.runtime.block_on(async {
            let answer = fixture.disk.serve((&path, None), None, false, |_| ()).await.ok()?;
            to_bytes(answer.into_body(), MAX_FILE_BYTES).await.ok()
        });
        assert!(read.is_none_or(|read| read == INSIDE), "{path}");
    });
}

/// A byte for a length, and a `Range`. The same bytes are also a server's response, and the chunks of a body.
pub(crate) fn ranges(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let length = u64::from(input.byte()).min(MAX_FILE_BYTES as u64);
    response_length(length, &mut input.clone());
    body_length(length, &mut input.clone());
    let Ok(range) = HeaderValue::from_bytes(input.rest()) else { return };
    let headers = HeaderMap::from_iter([(header::RANGE, range)]);
    let one = serve::range(&headers);
    FIXTURE.with(|fixture| {
        let (answer, body) = fixture.runtime.block_on(async {
            let file = tokio::fs::File::open(fixture.home.path().join("part")).await.expect("it is there");
            let answer = imported::answer((file, length), one, false, |_| ()).await.expect("it can be read");
            let (head, body) = answer.into_parts();
            (head, to_bytes(body, MAX_FILE_BYTES).await.expect("it is whole"))
        });
        let content_range = answer.headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let content_length =
            answer.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        assert_eq!(content_length, Some(body.len()));
        let range = headers[header::RANGE].to_str().unwrap_or_default();
        let end = usize::try_from(length).expect("it is short");
        match requested(range, length) {
            Requested::Whole => {
                assert_eq!(
                    (answer.status, content_range, &body[..]),
                    (StatusCode::OK, None, &content()[..end]),
                    "{range}"
                );
            }
            Requested::Part(first, last) => {
                let part = format!("bytes {first}-{last}/{length}");
                assert_eq!(
                    (answer.status, content_range),
                    (StatusCode::PARTIAL_CONTENT, Some(part.as_str())),
                    "{range}"
                );
                let (first, last) =
                    (usize::try_from(first).unwrap_or_default(), usize::try_from(last).unwrap_or_default());
                assert_eq!(body[..], content()[first..=last], "{range}");
            }
            Requested::Beyond => {
                let none = format!("bytes */{length}");
                assert_eq!(
                    (answer.status, content_range),
                    (StatusCode::RANGE_NOT_SATISFIABLE, Some(none.as_str())),
                    "{range}"
                );
                assert!(body.is_empty());
            }
        }
    });
}

/// The headers of a server's response match the expected length, or there is an error.
fn response_length(length: u64, input: &mut Input<'_>) {
    let expected = Some(length).filter(|_| input.byte().is_multiple_of(2));
    let status = [StatusCode::OK, StatusCode::PARTIAL_CONTENT][usize::from(input.byte() % 2)];
    let (declared, part) = (input.line(), input.line());
    let headers = [(header::CONTENT_LENGTH, &declared), (header::CONTENT_RANGE, &part)].into_iter();
    let headers: HeaderMap =
        headers.filter_map(|(name, text)| Some((name, HeaderValue::from_str(text).ok()?))).collect();
    let Ok(bytes) = exact_length::length(status, &headers, expected) else { return };
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let (declared, part) = (header(header::CONTENT_LENGTH).parse::<u64>().ok(), header(header::CONTENT_RANGE));
    assert!(declared.is_none_or(|declared| bytes == Some(declared)), "{declared:?} {bytes:?}");
    if status == StatusCode::OK {
        assert!(expected.is_none_or(|expected| bytes == Some(expected)));
    } else {
        let ends = part.strip_prefix("bytes ").and_then(|part| part.split_once('/')?.0.split_once('-'));
        let (first, last) = ends.expect("a part is told");
        let numbers = (first.trim().parse::<u64>(), last.trim().parse::<u64>());
        let (Ok(first), Ok(last)) = numbers else { unreachable!("{part}") };
        assert_eq!(bytes, (last - first).checked_add(1), "{part}");
    }
}

/// A body ends without an error only if it has the declared length, and never exceeds it.
fn body_length(length: u64, input: &mut Input<'_>) {
    let mut body_length = Vec::new();
    while !input.is_empty() {
        let size = usize::from(input.byte() % 32);
        body_length.push(if size == 31 { Err("broken") } else { Ok(Bytes::from(vec![b'x'; size])) });
        if size == 31 {
            break;
        }
    }
    let unbroken: usize = body_length.iter().map_while(|piece| piece.as_ref().ok()).map(Bytes::len).sum();
    let is_broken = body_length.iter().any(Result::is_err);
    let body = exact_length::with_exact_length(stream::iter(body_length), Some(length), |_| ());
    let read = body.collect::<Vec<_>>().now_or_never().expect("nothing is waited for");
    let given: usize = read.iter().flatten().map(Bytes::len).sum();
    assert!(given as u64 <= length);
    let ends: Result<Vec<_>, LengthMismatch> = read.into_iter().collect();
    let is_whole = unbroken as u64 == length;
    assert_eq!(ends.is_ok(), is_whole && (length > 0 || !is_broken), "{unbroken} of {length}");
}
