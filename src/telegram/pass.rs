//! Calls of somebody else's program, passed on with the bot's token: the body flows through, and so does the answer.

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

/// What a form has beside its file: names, boundaries, a long caption.
const BESIDE_FILE_BYTES: u64 = 1 << 20;
/// How long nothing may move of an answer that has begun.
const SILENT_FOR: Duration = Duration::from_secs(30);

/// A call as it came.
pub struct PassedCall<'a> {
    pub verb: Method,
    /// The name of the method.
    pub name: &'a str,
    /// The parameters in the address, as they came.
    pub query: Option<&'a str>,
    pub content_type: Option<HeaderValue>,
    pub body: Incoming,
}

/// Why there is no answer of Telegram's. No text of it names the address, which holds the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassError {
    /// The body is larger than the bot's server takes.
    TooLarge,
    /// The rest of the body did not come.
    CutOff,
    /// Telegram was not reached: it has heard nothing.
    Unreachable(String),
    /// Telegram may have heard it.
    Unanswered(String),
    /// The same: nothing came for too long.
    Late,
}

impl Bot {
    /// Passes a call on, and returns the head of what Telegram answers. Nothing ends it but silence.
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

    /// What Telegram tells of a chat.
    pub async fn chat(&self, chat_id: i64) -> Option<Value> {
        self.acquire_patiently().await;
        let answer = self.sender.call(&GetChat { chat_id }).await.ok()?;
        serde_json::from_str(answer.get()).ok()
    }

    /// Opens a file at Telegram by the path that `getFile` has told. `wanted` says which part of it.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn pass_file(&self, path: &str, wanted: HeaderMap) -> Result<Response, RequestError> {
        self.files.send(self.files.get(self.sender.file(path)).headers(wanted)).await
    }
}

/// The body of an answer, piece by piece, for as long as something moves.
pub fn pieces(response: Response) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold(response, |mut response| async move {
        Ok(piece(&mut response).await?.map(|piece| (piece, response)))
    })
}

/// What was read of an answer: all of it, or the beginning of a long one.
pub enum Bounded {
    Whole(Vec<u8>),
    Long(Vec<u8>),
}

/// Reads an answer up to a limit.
///
/// # Errors
/// If it breaks off.
pub async fn read(response: &mut Response, limit_bytes: usize) -> io::Result<Bounded> {
    let mut body = Vec::new();
    while let Some(piece) = piece(response).await? {
        body.extend_from_slice(&piece);
        if body.len() > limit_bytes {
            return Ok(Bounded::Long(body));
        }
    }
    Ok(Bounded::Whole(body))
}

async fn piece(response: &mut Response) -> io::Result<Option<Bytes>> {
    let next = timeout(SILENT_FOR, response.chunk()).await;
    let next = next.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the answer did not go on"))?;
    next.map_err(|error| io::Error::other(broken_at(place(response), &error).to_string()))
}
