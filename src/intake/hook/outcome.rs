//! The outcomes of a hook, and the responses to its sender.

use axum::http::StatusCode;

/// Why a hook was rejected, for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// 401.
    #[error("the signature is missing or wrong")]
    Unsigned,
    /// 404.
    #[error("no such channel here")]
    UnknownScope,
    /// 404: no address for hooks.
    #[error("there is nothing at this address")]
    UnknownPath,
    /// 400: signed, but not a hook.
    #[error("the body is not JSON")]
    Malformed,
    /// 413.
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// 408: the body did not arrive.
    #[error("the body did not arrive")]
    Unfinished,
    /// 400: not encoded as HTTP requires.
    #[error("the chunked encoding of the body is broken")]
    Garbled,
    /// 503: it could not be stored, so it is not acknowledged.
    #[error("the message cannot be stored now")]
    StoreDown,
}

impl Rejected {
    /// The HTTP status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::UnknownScope | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::Malformed | Self::Garbled => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unfinished => StatusCode::REQUEST_TIMEOUT,
            Self::StoreDown => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether the signature was verified.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        match self {
            Self::Malformed | Self::StoreDown => true,
            Self::Unsigned
            | Self::UnknownScope
            | Self::UnknownPath
            | Self::TooLarge
            | Self::Unfinished
            | Self::Garbled => false,
        }
    }

    /// Logs it. A scanner that tries addresses is logged at the level `debug`; a request with our scope is a warning.
    pub fn log(self) {
        match self {
            Self::UnknownScope | Self::UnknownPath => tracing::debug!(reason = %self, "hook refused"),
            Self::Unsigned | Self::Malformed | Self::TooLarge | Self::Unfinished | Self::Garbled | Self::StoreDown => {
                tracing::warn!(reason = %self, "hook refused");
            }
        }
    }

    /// The name in metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::UnknownScope => "unknown_scope",
            Self::UnknownPath => "unknown_path",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Unfinished => "unfinished",
            Self::Garbled => "garbled",
            Self::StoreDown => "store_down",
        }
    }
}

/// The outcome of a hook that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taken {
    /// Stored durably.
    Stored,
    Known,
    /// Passed on without being stored: typing.
    Passed,
    /// Nothing to do.
    Ignored,
}

impl Taken {
    /// The name in metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Known => "known",
            Self::Passed => "passed",
            Self::Ignored => "ignored",
        }
    }
}

/// All names of outcomes.
pub const NAMES: [&str; 12] = [
    Taken::Stored.name(),
    Taken::Known.name(),
    Taken::Passed.name(),
    Taken::Ignored.name(),
    Rejected::Unsigned.name(),
    Rejected::UnknownScope.name(),
    Rejected::UnknownPath.name(),
    Rejected::Malformed.name(),
    Rejected::TooLarge.name(),
    Rejected::Unfinished.name(),
    Rejected::Garbled.name(),
    Rejected::StoreDown.name(),
];
