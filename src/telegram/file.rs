//! Downloads of customers' files: `getFile`, then the file itself, streamed.

use reqwest::{Method, Response, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use teloxide::requests::Payload;

use crate::{
    net::{Endpoint, RequestError, reached},
    telegram::{bot::Bot, client::receive, error::CallError, wire::RawObject},
};

/// Why a file cannot be downloaded. No text of it contains the address, because that contains the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Telegram does not have it for this bot: it was deleted, is too large, or never existed.
    #[error("Telegram does not have this file any more")]
    Gone,
    /// It was deleted, belongs to another bot, or Telegram has an error: its server responds the same in all of these
    /// cases (source, `Client::on_update_file`: "also includes all 5xx and 429 errors").
    #[error("Telegram does not give this file, for now or for good")]
    Refused,
    /// Telegram has it, but refuses the request: too many requests, a revoked token.
    #[error("Telegram does not give this file now")]
    Later,
    /// Telegram cannot be reached, or the response is not Telegram's.
    #[error("Telegram cannot be reached")]
    Unreachable,
    /// `getFile` has succeeded, and the download fails with this HTTP status. A Bot API server of one's own serves no
    /// files.
    #[error("the Bot API server does not give this file (HTTP {0})")]
    NotServed(u16),
}

/// A file that can be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path, for [`Bot::open`].
    pub path: String,
    /// Bytes, if Telegram gives its size.
    pub size_bytes: Option<u64>,
}

/// `getFile`.
#[derive(Serialize)]
struct GetFile {
    file_id: String,
}

impl Payload for GetFile {
    type Output = Value;
    const NAME: &'static str = "GetFile";
}

impl Bot {
    /// Asks for the path of a file, which is valid for an hour.
    pub async fn find(&self, file_id: &str) -> Result<Found, FileError> {
        self.rate_limit.acquire().await;
        let answer = self.finder.call(&GetFile { file_id: file_id.to_owned() }).await;
        let answer = answer.map_err(|error| verdict(&error))?;
        let file: RawObject = serde_json::from_str(answer.get()).unwrap_or_default();
        Ok(Found { path: file.text("file_path").ok_or(FileError::Gone)?, size_bytes: file.read("file_size") })
    }

    /// Requests a file that does not exist. Any response shows that the file server can be reached.
    pub async fn reach_files(&self) -> Result<Endpoint, RequestError> {
        let nothing = self.sender.file("telekommo-check");
        let response = self.files.send(self.files.request(Method::HEAD, nothing)).await?;
        reached(&response)
    }

    /// Opens a file, or a `range` of it (the value of a `Range` header). Returns Telegram's response, with 200, 206 or
    /// 416; its body is not read yet.
    pub async fn open(&self, found: &Found, range: Option<&header::HeaderValue>) -> Result<Response, FileError> {
        let mut request = self.files.get(self.sender.file(&found.path));
        if let Some(range) = range {
            request = request.header(header::RANGE, range.clone());
        }
        let response = self.files.send(request).await.map_err(|error| {
            tracing::warn!(source = %self.source(), why = %error, "cannot download a customer's file from \
            Telegram");
            FileError::Unreachable
        })?;
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => Ok(response),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED => Err(FileError::Later),
            status => Err(FileError::NotServed(status.as_u16())),
        }
    }
}

/// How a server responds to a request for a file that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFile {
    /// The Bot API responds with this code.
    BotApi(u16),
    /// A web server, or something else that is not the Bot API, responds with this HTTP status.
    Foreign(u16),
}

impl Bot {
    /// Requests a file that does not exist. Without a real one, this is all that can be learnt of the file server.
    /// `None` if there is no response.
    pub async fn ask_for_no_file(&self) -> Option<NoFile> {
        let nothing = self.sender.file("telekommo-check/no-such-file");
        let response = self.files.send(self.files.get(nothing)).await.ok()?;
        let status = response.status().as_u16();
        match receive(response).await {
            Ok(_) => Some(NoFile::Foreign(status)),
            Err(CallError::Refused(error)) => Some(NoFile::BotApi(error.code)),
            Err(CallError::Foreign(foreign)) => Some(NoFile::Foreign(foreign.status.as_u16())),
            Err(CallError::Unreachable(_) | CallError::Unanswered { .. }) => None,
        }
    }
}

pub(super) fn verdict(error: &CallError) -> FileError {
    match error {
        CallError::Refused(error) if error.code == 400 && error.description.contains("temporarily unavailable") => {
            FileError::Refused
        }
        CallError::Refused(error) if error.code == 400 && error.description.starts_with("Bad Request") => {
            FileError::Gone
        }
        CallError::Refused(_) => FileError::Later,
        CallError::Foreign(foreign) if foreign.status == StatusCode::TOO_MANY_REQUESTS => FileError::Later,
        CallError::Foreign(_) | CallError::Unreachable(_) | CallError::Unanswered { .. } => FileError::Unreachable,
    }
}
