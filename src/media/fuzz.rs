//! What is promised of links and of the files behind them, for any bytes.

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
        range::{Asked, asked},
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
/// What stands in every file that may be read, and in none that may not.
const INSIDE: &[u8] = b"inside";
/// The longest file that is read in parts.
const LONGEST: usize = 200;

thread_local! {
    static PLACE: Place = Place::new();
}

/// A folder with files that may be read, beside others.
struct Place {
    home: TempDir,
    disk: Disk,
    runtime: Runtime,
}

impl Place {
    fn new() -> Self {
        let home = TempDir::new().expect("a folder");
        let dir = imported::dir(home.path());
        let made = fs::create_dir_all(dir.join("1-2/7"))
            .and_then(|()| fs::write(dir.join("1-2/7/5.jpg"), INSIDE))
            .and_then(|()| fs::write(dir.join("1-2/done.jsonl"), "outside"))
            .and_then(|()| fs::write(home.path().join("secret"), "outside"))
            .and_then(|()| std::os::unix::fs::symlink(home.path().join("secret"), dir.join("1-2/7/link")))
            .and_then(|()| fs::write(home.path().join("part"), content()));
        made.expect("files");
        let disk = Disk::open(&dir.join("1-2/7")).expect("it is there");
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        Self { home, disk, runtime }
    }

    fn imports(&self) -> PathBuf {
        imported::dir(self.home.path())
    }
}

fn content() -> Vec<u8> {
    (0..=u8::MAX).take(LONGEST).collect()
}

/// Paths of requests, links to any file, and paths of files.
pub(crate) fn links(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() % 4 {
        0 => opened(&String::from_utf8_lossy(input.rest())),
        1 => made(&mut input),
        2 => imported_file(&String::from_utf8_lossy(input.rest())),
        _ => file_on_disk(&String::from_utf8_lossy(input.rest())),
    }
}

fn key() -> LinkKey {
    LinkKey::derive("0123456789abcdef0123456789abcdef01234567")
}

/// Nothing but what was made here is opened: `@` stands for what was.
fn opened(path: &str) {
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

/// A link to a file with a name, an id and a type in a line each leads to it, until it ends, and is shown as no page.
fn made(input: &mut Input<'_>) {
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
    assert!(key.open(path, links.expires_at).is_err(), "it ends");
    let at = "/media/".len() + usize::from(input.byte()) % (path.len() - "/media/".len());
    let sealed = path["/media/".len()..].split('/').next().unwrap_or_default();
    if at < "/media/".len() + sealed.len() {
        let other = if path.as_bytes()[at] == b'A' { "B" } else { "A" };
        assert!(key.open(&[&path[..at], other, &path[at + 1..]].concat(), NOW).is_err(), "{at} of {path} was changed");
    }
    shown(&serve::headers(linked.mime_type.as_deref().unwrap_or_default(), &linked.file_name), &linked.file_name);
}

/// A browser shows pictures, films and sounds, and saves everything else; no name reaches out of its header.
fn shown(headers: &HeaderMap, name: &str) {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text(header::CONTENT_TYPE).to_ascii_lowercase();
    assert_eq!(kind.split('/').filter(|part| !part.is_empty()).count(), 2, "{kind}");
    assert!(!kind.contains([',', ';', ' ']), "{kind}");
    let is_seen = ["image/", "video/", "audio/"].iter().any(|of| kind.starts_with(of))
        && !kind.starts_with("image/svg")
        && !kind.ends_with("xml");
    let (of, subtype) = kind.split_once('/').unwrap_or_default();
    let is_page = subtype.contains("html") || subtype.ends_with("xml") || ["multipart", "message"].contains(&of);
    assert!(!is_page, "{kind} is a page to a browser");
    let disposition = text(header::CONTENT_DISPOSITION);
    assert!(disposition.starts_with("attachment") || is_seen && disposition.starts_with("inline"), "{disposition}");
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

/// By how many bytes the characters are longer than one that stand there as `_`.
fn controls(name: &str) -> usize {
    name.chars().filter(|c| c.is_control()).map(|c| c.len_utf8() - 1).sum()
}

/// No path leads out of the folder of imports.
fn imported_file(relative: &str) {
    PLACE.with(|place| {
        let opened = place.runtime.block_on(imported::open(&place.imports(), relative));
        let Some((file, length)) = opened else { return };
        assert_eq!(length, INSIDE.len() as u64, "{relative}");
        let read = place.runtime.block_on(async {
            let answer = imported::answer((file, length), None, false, |_| ()).await.expect("it can be read");
            to_bytes(answer.into_body(), LONGEST).await.expect("it is whole")
        });
        assert_eq!(read, INSIDE, "{relative}");
    });
}

/// No path leads out of the server's folder, which `@` stands for.
fn file_on_disk(path: &str) {
    PLACE.with(|place| {
        let path = path.replace('@', &place.imports().join("1-2/7").to_string_lossy());
        if path.contains('\0') {
            return;
        }
        let read = place.runtime.block_on(async {
            let answer = place.disk.pass((&path, None), None, false, |_| ()).await.ok()?;
            to_bytes(answer.into_body(), LONGEST).await.ok()
        });
        assert!(read.is_none_or(|read| read == INSIDE), "{path}");
    });
}

/// A byte for a length, and a `Range`; the same bytes as what another server answers, and as pieces of a body.
pub(crate) fn ranges(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let length = u64::from(input.byte()).min(LONGEST as u64);
    told(length, &mut input.clone());
    pieces(length, &mut input.clone());
    let Ok(range) = HeaderValue::from_bytes(input.rest()) else { return };
    let headers = HeaderMap::from_iter([(header::RANGE, range)]);
    let one = serve::range(&headers);
    PLACE.with(|place| {
        let (answer, body) = place.runtime.block_on(async {
            let file = tokio::fs::File::open(place.home.path().join("part")).await.expect("it is there");
            let answer = imported::answer((file, length), one, false, |_| ()).await.expect("it can be read");
            let (head, body) = answer.into_parts();
            (head, to_bytes(body, LONGEST).await.expect("it is whole"))
        });
        let told = answer.headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let said = answer.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        assert_eq!(said, Some(body.len()));
        let range = headers[header::RANGE].to_str().unwrap_or_default();
        let end = usize::try_from(length).expect("it is short");
        match asked(range, length) {
            Asked::Whole => {
                assert_eq!((answer.status, told, &body[..]), (StatusCode::OK, None, &content()[..end]), "{range}");
            }
            Asked::Part(first, last) => {
                let part = format!("bytes {first}-{last}/{length}");
                assert_eq!((answer.status, told), (StatusCode::PARTIAL_CONTENT, Some(part.as_str())), "{range}");
                let (first, last) =
                    (usize::try_from(first).unwrap_or_default(), usize::try_from(last).unwrap_or_default());
                assert_eq!(body[..], content()[first..=last], "{range}");
            }
            Asked::Beyond => {
                let none = format!("bytes */{length}");
                assert_eq!((answer.status, told), (StatusCode::RANGE_NOT_SATISFIABLE, Some(none.as_str())), "{range}");
                assert!(body.is_empty());
            }
        }
    });
}

/// What another server tells of its answer fits what was said of the file, or the answer is none.
fn told(length: u64, input: &mut Input<'_>) {
    let said = Some(length).filter(|_| input.byte().is_multiple_of(2));
    let status = [StatusCode::OK, StatusCode::PARTIAL_CONTENT][usize::from(input.byte() % 2)];
    let (told, part) = (input.line(), input.line());
    let headers = [(header::CONTENT_LENGTH, &told), (header::CONTENT_RANGE, &part)].into_iter();
    let headers: HeaderMap =
        headers.filter_map(|(name, text)| Some((name, HeaderValue::from_str(text).ok()?))).collect();
    let Ok(bytes) = exact_length::length(status, &headers, said) else { return };
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let (told, part) = (header(header::CONTENT_LENGTH).parse::<u64>().ok(), header(header::CONTENT_RANGE));
    assert!(told.is_none_or(|told| bytes == Some(told)), "{told:?} {bytes:?}");
    if status == StatusCode::OK {
        assert!(said.is_none_or(|said| bytes == Some(said)));
    } else {
        let ends = part.strip_prefix("bytes ").and_then(|part| part.split_once('/')?.0.split_once('-'));
        let (first, last) = ends.expect("a part is told");
        let numbers = (first.trim().parse::<u64>(), last.trim().parse::<u64>());
        let (Ok(first), Ok(last)) = numbers else { unreachable!("{part}") };
        assert_eq!(bytes, (last - first).checked_add(1), "{part}");
    }
}

/// A body ends in good order only if it has as many bytes as were said, and never gives more.
fn pieces(length: u64, input: &mut Input<'_>) {
    let mut pieces = Vec::new();
    while !input.is_empty() {
        let size = usize::from(input.byte() % 32);
        pieces.push(if size == 31 { Err("broken") } else { Ok(Bytes::from(vec![b'x'; size])) });
        if size == 31 {
            break;
        }
    }
    let unbroken: usize = pieces.iter().map_while(|piece| piece.as_ref().ok()).map(Bytes::len).sum();
    let is_broken = pieces.iter().any(Result::is_err);
    let body = exact_length::whole(stream::iter(pieces), Some(length), |_| ());
    let read = body.collect::<Vec<_>>().now_or_never().expect("nothing is waited for");
    let given: usize = read.iter().flatten().map(Bytes::len).sum();
    assert!(given as u64 <= length);
    let ends: Result<Vec<_>, LengthMismatch> = read.into_iter().collect();
    let is_whole = unbroken as u64 == length;
    assert_eq!(ends.is_ok(), is_whole && (length > 0 || !is_broken), "{unbroken} of {length}");
}
