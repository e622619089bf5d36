//! What becomes of a hook, and the answer to its sender.

use axum::http::StatusCode;

/// What we tell the sender of a hook that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// 401.
    #[error("the signature is missing or wrong")]
    Unsigned,
    /// 404.
    #[error("no such channel here")]
    UnknownScope,
    /// 404: not even an address for hooks.
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
    /// 400: not written as HTTP says.
    #[error("the body is not in chunks as it is said to be")]
    Garbled,
    /// 503: it could not be kept, so it is not acknowledged.
    #[error("the message cannot be stored now")]
    StoreDown,
}

impl Rejected {
    /// The HTTP status of the answer.
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

    /// Whether it was seen that the sender has the channel's secret.
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

    /// A scanner that tries addresses is no news; anything that knows the scope is.
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

/// What was done with a hook that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taken {
    /// Stored durably.
    Stored,
    Known,
    /// Handed on without being stored: typing.
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
