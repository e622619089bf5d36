//! `GET` and `HEAD` of links: the file passes through from Telegram or from the disk, and is never held as a whole.

use std::{collections::BTreeMap, convert::Infallible, path::PathBuf, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts},
};
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::Bytes;

use crate::{
    clock,
    domain::address::SourceId,
    media::{
        denied::{Denied, reach},
        disk::Disk,
        disposition,
        exact_length::{self, LengthMismatch, whole},
        imported,
        limiter::{Limiter, Permit, keeping},
        link::{ImportedFile, LinkKey, Linked, SEGMENT, Target},
        path_cache::PathCache,
        source_health::SourceHealth,
    },
    metrics::{Fetch, Metrics},
    telegram::{
        bot::Bot,
        file::{FileError, Found},
    },
};

/// Serves files to every client that has a link.
pub struct MediaServer {
    key: LinkKey,
    bots: BTreeMap<SourceId, Bot>,
    imports: PathBuf,
    /// Where files are, if the Bot API server keeps them on this machine.
    disk: Option<Disk>,
    found: PathCache,
    limiter: Limiter,
    source_health: Arc<SourceHealth>,
    metrics: Arc<Metrics>,
}

impl MediaServer {
    /// Serves links of `key` with files of `bots`, which are on a `disk` or at Telegram, and with those that were
    /// imported into the folder `imports`. How that goes shows in `metrics`.
    #[must_use]
    pub fn new(
        key: LinkKey,
        bots: BTreeMap<SourceId, Bot>,
        disk: Option<Disk>,
        imports: PathBuf,
        metrics: Arc<Metrics>,
    ) -> Self {
        let source_health = Arc::new(SourceHealth::new(Arc::clone(&metrics)));
        let (found, limiter) = (PathCache::default(), Limiter::default());
        Self { key, bots, imports, disk, found, limiter, source_health, metrics }
    }

    /// Whether a path is that of a link, good or not.
    #[must_use]
    pub fn is_link(path: &str) -> bool {
        path.split('/').find(|segment| !segment.is_empty()) == Some(SEGMENT)
    }

    /// Whether a path is that of a link of ours that has not ended.
    #[must_use]
    pub fn is_good(&self, path: &str) -> bool {
        self.key.open(path, clock::now()).is_ok()
    }

    /// Answers one request to a link.
    pub async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let (head, _) = request.into_parts();
        match self.file(&head).await {
            Ok(response) => response,
            Err(denied) => {
                tracing::debug!(reason = %denied, "a request for a file was denied");
                denied.response()
            }
        }
    }

    async fn file(&self, head: &Parts) -> Result<Response<Body>, Denied> {
        if head.method != Method::GET && head.method != Method::HEAD {
            return Err(Denied::Method);
        }
        let target = self.key.open(head.uri.path(), clock::now()).map_err(|_| Denied::Unknown)?;
        let place = self.limiter.acquire().await.ok_or(Denied::Full)?;
        match target {
            Target::AtTelegram(linked) => self.at_telegram(head, &linked, place).await,
            Target::Imported(file) => Ok(keeping(place, self.imported(head, &file).await?)),
        }
    }

    async fn imported(&self, head: &Parts, linked: &ImportedFile) -> Result<Response<Body>, Denied> {
        let (file, length) = imported::open(&self.imports, &linked.path).await.ok_or(FileError::Gone)?;
        let is_head = head.method == Method::HEAD;
        let answer = imported::answer((file, length), range(&head.headers), is_head, |_| ()).await;
        let mut response = answer.map_err(|_| FileError::Gone)?;
        let kind = linked.mime_type.as_deref().unwrap_or_else(|| disposition::type_of(&linked.path));
        response.headers_mut().extend(headers(kind, &linked.file_name));
        Ok(response)
    }

    async fn at_telegram(&self, head: &Parts, linked: &Linked, place: Permit) -> Result<Response<Body>, Denied> {
        let given = self.look_and_give(head, linked, place).await;
        if let Ok(response) = &given {
            let (method, status) = (head.method.to_string(), response.status().as_u16());
            let is_part = head.headers.contains_key(header::RANGE);
            self.metrics.fetched(&linked.file_name, Fetch { at: clock::now(), method, is_part, status });
        }
        if let Some((reach, why)) = given.as_ref().err().and_then(|denied| denied.complaint()) {
            self.source_health.failed(&linked.source, &linked.file_id, reach, why);
        }
        given
    }

    async fn look_and_give(&self, head: &Parts, linked: &Linked, place: Permit) -> Result<Response<Body>, Denied> {
        let bot = self.bots.get(&linked.source).ok_or(Denied::Unknown)?;
        // What was found a moment ago may have moved; what Telegram has just found has not. Where it alone tells
        // whether there is a file, whoever asks for no more than that gets its word.
        let is_to_be_read = self.disk.is_some() || head.method != Method::HEAD;
        if let Some(found) = self.found.of(linked).filter(|_| is_to_be_read) {
            match self.give(head, linked, bot, &found, Arc::clone(&place)).await {
                Err(denied) if denied.may_have_moved() => self.found.forget(linked),
                given => return given,
            }
        }
        let found = match bot.find(&linked.file_id).await {
            Err(FileError::Refused) if self.found.is_refused_for_long(linked) => return Err(FileError::Gone.into()),
            found => found?,
        };
        let given = self.give(head, linked, bot, &found, place).await?;
        self.found.keep(linked, found);
        Ok(given)
    }

    async fn give(
        &self,
        head: &Parts,
        linked: &Linked,
        bot: &Bot,
        found: &Found,
        place: Permit,
    ) -> Result<Response<Body>, Denied> {
        let range = range(&head.headers);
        let is_head = head.method == Method::HEAD;
        let said_bytes = found.size_bytes.or(linked.size_bytes);
        let ended = self.ended(linked);
        let response = match &self.disk {
            Some(disk) => disk.pass((&found.path, said_bytes), range, is_head, ended).await?,
            None if is_head => described(said_bytes),
            None => passed(bot.open(found, range).await?, said_bytes, ended)?,
        };
        let mut response = keeping(place, response);
        let kind = linked.mime_type.as_deref().unwrap_or_else(|| disposition::type_of(&found.path));
        response.headers_mut().extend(headers(kind, &linked.file_name));
        Ok(response)
    }
}

impl MediaServer {
    /// Notes how the body of a file has ended. A reader that goes away ends none.
    fn ended(&self, linked: &Linked) -> impl FnOnce(Result<(), LengthMismatch>) + Send + use<> {
        let (source_health, source, file_id) =
            (Arc::clone(&self.source_health), linked.source.clone(), linked.file_id.clone());
        move |how| match how {
            Ok(()) => source_health.served(&source),
            Err(error) => source_health.failed(&source, &file_id, reach(error), error),
        }
    }
}

/// A part is asked for without conditions or not at all: what a condition compares with (`ETag`) is not passed on.
/// A request for several parts gets the whole file, as HTTP allows: an answer of several says how it is divided in a
/// header that is not passed on either.
pub(super) fn range(headers: &HeaderMap) -> Option<&HeaderValue> {
    let range = headers.get(header::RANGE).filter(|range| !range.as_bytes().contains(&b','));
    range.filter(|_| !headers.contains_key(header::IF_RANGE))
}

/// The answer to HEAD. Of an empty body the server would say that it has no bytes; of one whose length is not known it
/// says nothing, and sends nothing of either.
fn described(size_bytes: Option<u64>) -> Response<Body> {
    let mut response = Response::new(Body::from_stream(stream::empty::<Result<Bytes, Infallible>>()));
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(size) = size_bytes {
        response.headers_mut().insert(header::CONTENT_LENGTH, size.into());
    }
    response
}

/// Telegram's answer without its own headers, its body still flowing. It breaks off if it is not the whole file, or the
/// whole part.
fn passed(
    file: reqwest::Response,
    said_bytes: Option<u64>,
    ended: impl FnOnce(Result<(), LengthMismatch>) + Send + 'static,
) -> Result<Response<Body>, LengthMismatch> {
    let (head, body) = axum::http::Response::<reqwest::Body>::from(file).into_parts();
    let length = exact_length::length(head.status, &head.headers, said_bytes)?;
    let has_file = head.status != StatusCode::RANGE_NOT_SATISFIABLE;
    let ended = move |how| {
        if has_file {
            ended(how);
        }
    };
    // No error of the body tells the address, which holds the token.
    let mut response = Response::new(Body::from_stream(whole(body.into_data_stream(), length, ended)));
    *response.status_mut() = head.status;
    let kept = [header::CONTENT_RANGE, header::ACCEPT_RANGES];
    let kept = kept.into_iter().filter_map(|name| Some((name.clone(), head.headers.get(name)?.clone())));
    response.headers_mut().extend(kept);
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(response)
}

/// What is the same for every answer. The file is a stranger's, so no browser may take it for a page of ours.
pub(super) fn headers(kind: &str, file_name: &str) -> HeaderMap {
    let kind = disposition::one_type(kind);
    let shown = disposition::header(kind, file_name);
    let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static(disposition::ANYTHING));
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, shown),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600")),
    ])
}

#[cfg(test)]
mod tests {
    use hyper::body::Body as _;

    use super::*;

    #[test]
    fn one_part_is_asked_for_without_conditions_or_none() {
        let asked = |more: &[(header::HeaderName, &'static str)]| {
            let headers = more.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            range(&headers.collect()).map(|range| range.to_str().unwrap().to_owned())
        };
        assert_eq!(asked(&[(header::RANGE, "bytes=0-1")]).as_deref(), Some("bytes=0-1"));
        assert_eq!(asked(&[(header::RANGE, "bytes=0-1,3-4")]), None);
        assert_eq!(asked(&[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, "\"x\"")]), None);
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn an_answer_to_head_tells_a_size_only_if_it_is_known() {
        for (size, told) in [(None, None), (Some(7), Some("7")), (Some(0), Some("0"))] {
            let response = described(size);
            let length = response.headers().get(header::CONTENT_LENGTH).map(|length| length.to_str().unwrap());
            // The server tells the length of a body that has one.
            assert_eq!((length, response.body().size_hint().exact()), (told, None));
        }
    }
}
