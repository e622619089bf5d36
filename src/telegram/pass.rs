//! Forwards calls of other programs with the bot's token. Requests and responses are streamed.

use std::{io, time::Duration};

use futures_util::{Stream, stream};
use hyper::body::Bytes;
use reqwest::{
    Body, Method, Response,
    header::{self, HeaderMap, HeaderValue},
};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    net::{RequestError, broken_at, place},
    telegram::{
        avatar::GetChat,
        bot::Bot,
        upload::{BodySent, Break, Incoming, ProgressWatch, watched},
    },
};

/// Room for the other parts of a form with a file: names, boundaries, a long caption.
const BESIDE_FILE_BYTES: u64 = 1 << 20;
/// How long a response may make no progress.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A call of a program.
pub struct PassedCall<'a> {
    pub verb: Method,
    /// The name of the method.
    pub name: &'a str,
    /// The query of the address, unchanged.
    pub query: Option<&'a str>,
    pub content_type: Option<HeaderValue>,
    pub body: Incoming,
}

/// Why there is no response from Telegram. No text of it contains the address, because that contains the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassError {
    /// The body is larger than the bot's server accepts.
    TooLarge,
    /// The program did not send the rest of the body.
    CutOff,
    /// Telegram was not reached, so nothing was sent.
    Unreachable(String),
    /// Telegram may have executed the call.
    Unanswered(String),
    /// The call timed out, so Telegram may have executed it.
    Late,
}

impl Bot {
    /// Forwards a call, and returns Telegram's response, whose body is not read yet. The call may take any time as long
    /// as it makes progress.
    pub async fn pass(&self, call: PassedCall<'_>) -> Result<Response, PassError> {
        let mut url = self.sender.method(call.name);
        url.set_query(call.query);
        let (size, limit) = (call.body.size_bytes, self.limit_bytes + BESIDE_FILE_BYTES);
        if size.is_some_and(|size| size > limit) {
            return Err(PassError::TooLarge);
        }
        let mut request = self.uploads.request(call.verb, url);
        if let Some(kind) = call.content_type {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let (progress, body_sent) = (ProgressWatch::new(size), BodySent::default());
        request = match size {
            Some(size) if size > 0 => request.header(header::CONTENT_LENGTH, size),
            Some(_) | None => request,
        };
        if size == Some(0) {
            body_sent.complete();
        } else {
            let body = watched(call.body, limit, progress.clone(), Some(body_sent.clone()));
            request = request.body(Body::wrap_stream(body));
        }
        let answer = tokio::select! {
            answer = self.uploads.send(request) => answer,
            () = progress.silence(self.patience, &body_sent) => return Err(PassError::Late),
        };
        answer.map_err(|error| match progress.broken() {
            Some(Break::TooLarge) => PassError::TooLarge,
            Some(Break::SourceStalled(_)) => PassError::CutOff,
            None if error.was_sent => PassError::Unanswered(error.to_string()),
            None => PassError::Unreachable(error.to_string()),
        })
    }

    /// Calls `getChat`; `None` if it fails.
    pub async fn chat(&self, chat_id: i64) -> Option<Value> {
        self.acquire_patiently().await;
        let answer = self.sender.call(&GetChat { chat_id }).await.ok()?;
        serde_json::from_str(answer.get()).ok()
    }

    /// Downloads a file by the path from `getFile`. `headers` may choose a part of it.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn pass_file(&self, path: &str, headers: HeaderMap) -> Result<Response, RequestError> {
        self.files.send(self.files.get(self.sender.file(path)).headers(headers)).await
    }
}

/// Streams the body of a response, which may take any time as long as it makes progress.
pub fn chunks(response: Response) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold(response, |mut response| async move {
        Ok(next_chunk(&mut response).await?.map(|chunk| (chunk, response)))
    })
}

/// The body of a response: complete, or truncated because it is too long.
pub enum Bounded {
    Complete(Vec<u8>),
    Truncated(Vec<u8>),
}

/// Reads the body of a response up to a limit.
///
/// # Errors
/// If it breaks off.
pub async fn read(response: &mut Response, limit_bytes: usize) -> io::Result<Bounded> {
    let mut body = Vec::new();
    while let Some(chunk) = next_chunk(response).await? {
        body.extend_from_slice(&chunk);
        if body.len() > limit_bytes {
            return Ok(Bounded::Truncated(body));
        }
    }
    Ok(Bounded::Complete(body))
}

async fn next_chunk(response: &mut Response) -> io::Result<Option<Bytes>> {
    let next = timeout(READ_TIMEOUT, response.chunk()).await;
    let next = next.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the response has stalled"))?;
    next.map_err(|error| io::Error::other(broken_at(place(response), &error).to_string()))
}
