//! Serves `GET` and `HEAD` of links. The file is streamed from Telegram or from the disk, and never held as a whole.

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
        denied::{Denied, failure_scope},
        disk::Disk,
        disposition,
        exact_length::{self, LengthMismatch, with_exact_length},
        imported,
        limiter::{Limiter, Permit, with_permit},
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
    /// The files, if the Bot API server stores them on this machine.
    disk: Option<Disk>,
    found: PathCache,
    limiter: Limiter,
    source_health: Arc<SourceHealth>,
    metrics: Arc<Metrics>,
}

impl MediaServer {
    /// Serves links that are signed with `key`: to files of `bots`, which are on a `disk` or at Telegram, and to those
    /// that were imported into the folder `imports`.
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

    /// Whether a path has the format of a link, valid or not.
    #[must_use]
    pub fn is_link(path: &str) -> bool {
        path.split('/').find(|segment| !segment.is_empty()) == Some(SEGMENT)
    }

    /// Whether a path is a valid link.
    #[must_use]
    pub fn is_good(&self, path: &str) -> bool {
        self.key.open(path, clock::now()).is_ok()
    }

    /// Responds to one request.
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
        let permit = self.limiter.acquire().await.ok_or(Denied::Full)?;
        match target {
            Target::AtTelegram(linked) => self.at_telegram(head, &linked, permit).await,
            Target::Imported(file) => Ok(with_permit(permit, self.imported(head, &file).await?)),
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

    async fn at_telegram(&self, head: &Parts, linked: &Linked, permit: Permit) -> Result<Response<Body>, Denied> {
        let result = self.find_and_serve(head, linked, permit).await;
        if let Ok(response) = &result {
            let (method, status) = (head.method.to_string(), response.status().as_u16());
            let is_part = head.headers.contains_key(header::RANGE);
            self.metrics.fetched(&linked.file_name, Fetch { at: clock::now(), method, is_part, status });
        }
        if let Some((failure_scope, why)) = result.as_ref().err().and_then(|denied| denied.complaint()) {
            self.source_health.failed(&linked.source, &linked.file_id, failure_scope, why);
        }
        result
    }

    async fn find_and_serve(&self, head: &Parts, linked: &Linked, permit: Permit) -> Result<Response<Body>, Denied> {
        let bot = self.bots.get(&linked.source).ok_or(Denied::Unknown)?;
        // A cached path may be outdated. HEAD of a file at Telegram does not use the cache, because only Telegram knows
        // whether the file still exists.
        let may_use_cache = self.disk.is_some() || head.method != Method::HEAD;
        if let Some(found) = self.found.of(linked).filter(|_| may_use_cache) {
            match self.serve_found(head, linked, bot, &found, Arc::clone(&permit)).await {
                Err(denied) if denied.may_have_moved() => self.found.forget(linked),
                result => return result,
            }
        }
        let found = match bot.find(&linked.file_id).await {
            Err(FileError::Refused) if self.found.is_refused_for_long(linked) => return Err(FileError::Gone.into()),
            found => found?,
        };
        let result = self.serve_found(head, linked, bot, &found, permit).await?;
        self.found.keep(linked, found);
        Ok(result)
    }

    async fn serve_found(
        &self,
        head: &Parts,
        linked: &Linked,
        bot: &Bot,
        found: &Found,
        permit: Permit,
    ) -> Result<Response<Body>, Denied> {
        let range = range(&head.headers);
        let is_head = head.method == Method::HEAD;
        let expected_bytes = found.size_bytes.or(linked.size_bytes);
        let on_end = self.on_end(linked);
        let response = match &self.disk {
            Some(disk) => disk.serve((&found.path, expected_bytes), range, is_head, on_end).await?,
            None if is_head => head_response(expected_bytes),
            None => file_response(bot.open(found, range).await?, expected_bytes, on_end)?,
        };
        let mut response = with_permit(permit, response);
        let kind = linked.mime_type.as_deref().unwrap_or_else(|| disposition::type_of(&found.path));
        response.headers_mut().extend(headers(kind, &linked.file_name));
        Ok(response)
    }
}

impl MediaServer {
    /// Records how the body of a file has ended. It is not called if the client disconnects.
    fn on_end(&self, linked: &Linked) -> impl FnOnce(Result<(), LengthMismatch>) + Send + use<> {
        let (source_health, source, file_id) =
            (Arc::clone(&self.source_health), linked.source.clone(), linked.file_id.clone());
        move |result| match result {
            Ok(()) => source_health.served(&source),
            Err(error) => source_health.failed(&source, &file_id, failure_scope(error), error),
        }
    }
}

/// The range to request. A conditional range requests the whole file, because the validator (`ETag`) is not forwarded.
/// So do several ranges, as HTTP allows, because the header that divides their response is not forwarded either.
pub(super) fn range(headers: &HeaderMap) -> Option<&HeaderValue> {
    let range = headers.get(header::RANGE).filter(|range| !range.as_bytes().contains(&b','));
    range.filter(|_| !headers.contains_key(header::IF_RANGE))
}

/// The response to HEAD. Its body is an empty stream: for an empty body, the server would send the length 0.
fn head_response(size_bytes: Option<u64>) -> Response<Body> {
    let mut response = Response::new(Body::from_stream(stream::empty::<Result<Bytes, Infallible>>()));
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(size) = size_bytes {
        response.headers_mut().insert(header::CONTENT_LENGTH, size.into());
    }
    response
}

/// Telegram's response without its own headers. The body breaks off if it does not have the length of the file or the
/// range.
fn file_response(
    file: reqwest::Response,
    expected_bytes: Option<u64>,
    on_end: impl FnOnce(Result<(), LengthMismatch>) + Send + 'static,
) -> Result<Response<Body>, LengthMismatch> {
    let (head, body) = axum::http::Response::<reqwest::Body>::from(file).into_parts();
    let length = exact_length::length(head.status, &head.headers, expected_bytes)?;
    let has_file = head.status != StatusCode::RANGE_NOT_SATISFIABLE;
    let on_end = move |result| {
        if has_file {
            on_end(result);
        }
    };
    // Errors of the body do not contain the address, which contains the token.
    let mut response = Response::new(Body::from_stream(with_exact_length(body.into_data_stream(), length, on_end)));
    *response.status_mut() = head.status;
    let forwarded = [header::CONTENT_RANGE, header::ACCEPT_RANGES];
    let forwarded = forwarded.into_iter().filter_map(|name| Some((name.clone(), head.headers.get(name)?.clone())));
    response.headers_mut().extend(forwarded);
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(response)
}

/// The headers of every response. The file is untrusted, so no browser may show it as a page of ours.
pub(super) fn headers(kind: &str, file_name: &str) -> HeaderMap {
    let kind = disposition::safe_type(kind);
    let shown = disposition::header(kind, file_name);
    let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static(disposition::UNKNOWN));
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
    fn only_a_single_unconditional_range_is_requested() {
        let range_of = |more: &[(header::HeaderName, &'static str)]| {
            let headers = more.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            range(&headers.collect()).map(|range| range.to_str().unwrap().to_owned())
        };
        assert_eq!(range_of(&[(header::RANGE, "bytes=0-1")]).as_deref(), Some("bytes=0-1"));
        assert_eq!(range_of(&[(header::RANGE, "bytes=0-1,3-4")]), None);
        assert_eq!(range_of(&[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, "\"x\"")]), None);
        assert_eq!(range_of(&[]), None);
    }

    #[test]
    fn the_response_to_head_has_a_size_only_if_it_is_known() {
        for (size, want) in [(None, None), (Some(7), Some("7")), (Some(0), Some("0"))] {
            let response = head_response(size);
            let length = response.headers().get(header::CONTENT_LENGTH).map(|length| length.to_str().unwrap());
            // The server would send the length of a body with a known size.
            assert_eq!((length, response.body().size_hint().exact()), (want, None));
        }
    }
}
