//! Files that customers sent, as the bot can have them: `getFile`, then the file itself, streamed.

use std::time::Duration;

use reqwest::{Response, StatusCode, Url, header};
use serde::Serialize;
use serde_json::Value;
use teloxide::{
    RequestError,
    requests::{JsonRequest, Payload},
};

use crate::telegram::{bot::Bot, failure};

/// Why a file cannot be had. No text of it holds the address, which holds the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Telegram does not have it for this bot: it is gone, too large, or no file at all.
    #[error("Telegram does not have this file any more")]
    Gone,
    /// It is gone, or another bot's, or Telegram has trouble with it now: in all of these cases its server says the same
    /// (source, `Client::on_update_file`: "also includes all 5xx and 429 errors").
    #[error("Telegram does not give this file, for now or for good")]
    Refused,
    /// Telegram has it, but not now: too many requests, a token that was revoked.
    #[error("Telegram does not give this file now")]
    Later,
    /// Telegram cannot be reached, or what answers is not Telegram.
    #[error("Telegram cannot be reached")]
    Unreachable,
}

/// A file that Telegram is ready to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is, for [`Bot::open`].
    pub path: String,
    /// Bytes, if Telegram tells it.
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

/// The client for files. Only silence ends a download, not its length: whoever reads it may be slow.
///
/// # Errors
/// If the HTTP client cannot be set up.
pub(super) fn client(connect_within: Duration, silent_for: Duration) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(concat!("telekommo/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_within)
        .read_timeout(silent_for)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

impl Bot {
    /// Asks where a file is. The answer is good for an hour.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn find(&self, file_id: &str) -> Result<Found, FileError> {
        self.pace.turn().await;
        let answer = JsonRequest::new(self.finder.clone(), GetFile { file_id: file_id.to_owned() }).await;
        let file = answer.map_err(|error| verdict(&error))?;
        let path = file.get("file_path").and_then(Value::as_str).ok_or(FileError::Gone)?.to_owned();
        Ok(Found { path, size_bytes: file.get("file_size").and_then(Value::as_u64) })
    }

    /// Opens a file, or the `range` of it (the text of a `Range` header). The answer is Telegram's, with 200, 206 or 416;
    /// its body is still to be read.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn open(&self, found: &Found, range: Option<&header::HeaderValue>) -> Result<Response, FileError> {
        let mut request = self.files.get(self.address(&found.path).ok_or(FileError::Gone)?);
        if let Some(range) = range {
            request = request.header(header::RANGE, range.clone());
        }
        let response = request.send().await.map_err(|_| FileError::Unreachable)?;
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => Ok(response),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(FileError::Gone),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED => Err(FileError::Later),
            _ => Err(FileError::Unreachable),
        }
    }

    /// `{api_url}/file/bot{token}/{path}`. Each segment is written as one, so that no path leads out of the bot's files.
    fn address(&self, path: &str) -> Option<Url> {
        let mut url = self.sender.api_url();
        let bot = format!("bot{}", self.sender.token());
        url.path_segments_mut().ok()?.pop_if_empty().extend(["file", &bot]).extend(path.split('/'));
        Some(url)
    }
}

fn verdict(error: &RequestError) -> FileError {
    match error {
        RequestError::Api(error) => match failure::text(error) {
            text if text.contains("temporarily unavailable") => FileError::Refused,
            text if text.starts_with("Bad Request") => FileError::Gone,
            _ => FileError::Later,
        },
        RequestError::RetryAfter(_) => FileError::Later,
        RequestError::Network(_)
        | RequestError::InvalidJson { .. }
        | RequestError::MigrateToChatId(_)
        | RequestError::Io(_) => FileError::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use teloxide::ApiError;

    use super::*;

    #[test]
    fn a_refusal_is_for_good_only_if_it_says_so() {
        for (text, meant) in [
            ("Bad Request: invalid file_id", FileError::Gone),
            ("Bad Request: file is too big", FileError::Gone),
            ("Bad Request: wrong file_id or the file is temporarily unavailable", FileError::Refused),
            ("Unauthorized", FileError::Later),
        ] {
            assert_eq!(verdict(&RequestError::Api(ApiError::Unknown(text.to_owned()))), meant, "{text}");
        }
    }
}
