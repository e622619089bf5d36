//! Why a request gets no file, and whether other files are affected.

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
    response::IntoResponse,
};

use crate::{
    media::{disk::DiskError, exact_length::LengthMismatch, source_health::FailureScope},
    telegram::file::FileError,
};

/// `Retry-After` if there is no room or Telegram refuses the file for now.
const RETRY_AFTER_SECONDS: u16 = 5;

/// What an operator can do about a server that has files and does not serve them.
const SERVER_ADVICE: &str = "your own Bot API server serves files only if it runs with --local and `telegram.local` \
    and `telegram.local_dir` are set, or if a web server in front of it serves them under /file";

/// Why a request gets no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    /// 404, with the same text for every reason, so that it reveals nothing about links.
    #[error("no such link, or it has expired")]
    Unknown,
    /// 405.
    #[error("files can only be read")]
    Method,
    /// 503.
    #[error("too many files are being read")]
    Full,
    /// 410, 502 or 503.
    #[error(transparent)]
    File(#[from] FileError),
    /// 410 or 502. The reason is for the operator only.
    #[error("this file cannot be given now")]
    Disk(#[from] DiskError),
    /// 502: the file does not have the length that Telegram has declared.
    #[error(transparent)]
    LengthMismatch(#[from] LengthMismatch),
}

impl Denied {
    const fn status(self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Full | Self::File(FileError::Later | FileError::Refused) => StatusCode::SERVICE_UNAVAILABLE,
            Self::File(FileError::Gone) | Self::Disk(DiskError::Gone) => StatusCode::GONE,
            Self::File(FileError::Unreachable | FileError::NotServed(_))
            | Self::Disk(DiskError::Outside | DiskError::Unreadable | DiskError::OtherSize)
            | Self::LengthMismatch(_) => StatusCode::BAD_GATEWAY,
        }
    }

    pub(super) fn response(self) -> Response<Body> {
        let mut response = (self.status(), format!("{self}\n")).into_response();
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        response
    }

    /// Whether the file may have another path by now, if the path comes from the cache.
    pub(super) const fn may_have_moved(self) -> bool {
        match self {
            Self::File(FileError::Gone | FileError::NotServed(404 | 410))
            | Self::Disk(DiskError::Gone | DiskError::OtherSize)
            | Self::LengthMismatch(_) => true,
            Self::Unknown
            | Self::Method
            | Self::Full
            | Self::File(FileError::Later | FileError::Refused | FileError::Unreachable | FileError::NotServed(_))
            | Self::Disk(DiskError::Outside | DiskError::Unreadable) => false,
        }
    }

    /// The scope of the failure and its reason, for the operator; `None` if it is about the request.
    pub(super) fn complaint(self) -> Option<(FailureScope, String)> {
        match self {
            Self::Unknown | Self::Method | Self::Full => None,
            Self::File(FileError::NotServed(status @ ..500)) => Some((
                FailureScope::AllFiles,
                format!("the Bot API server has the file and does not give it (HTTP {status}): {SERVER_ADVICE}"),
            )),
            Self::File(error) => Some((FailureScope::OneFile, error.to_string())),
            Self::Disk(error @ (DiskError::Outside | DiskError::Unreadable | DiskError::OtherSize)) => {
                Some((FailureScope::AllFiles, error.to_string()))
            }
            Self::Disk(error @ DiskError::Gone) => Some((FailureScope::OneFile, error.to_string())),
            Self::LengthMismatch(error) => Some((failure_scope(error), error.to_string())),
        }
    }
}

/// A broken connection may affect one file only.
pub(super) const fn failure_scope(error: LengthMismatch) -> FailureScope {
    match error {
        LengthMismatch::Short | LengthMismatch::Long => FailureScope::AllFiles,
        LengthMismatch::Broken => FailureScope::OneFile,
    }
}
