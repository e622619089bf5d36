//! What happens to a request on its way.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::message::Message;

/// A fatal alert: the version of the protocol is not supported.
pub(super) const TLS_ALERT: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46];

/// One way for a request to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// The connection is reset as soon as it is made.
    Refused,
    /// The connection is reset when the request has been read. The server never sees it.
    ResetBefore,
    /// The server gets half of the request.
    HalfRequest,
    /// The server does what it was asked for, and its answer is lost.
    ResetAfter,
    /// The answer ends in the middle.
    CutAnswer,
    /// Nobody answers, and the server never sees the request.
    Silence,
    /// Nobody answers, though the server did what it was asked for.
    LostAnswer,
    /// The answer comes a few bytes at a time.
    Slow,
    /// A gateway's page, in place of an answer.
    BadGateway,
    /// Another one.
    Unavailable,
    /// A filter's page.
    Forbidden,
    /// What nginx says to a POST while a static page stands in for the server.
    NotAllowed,
    /// A page that calls itself a success.
    PageAsSuccess,
    /// A success whose JSON ends in the middle.
    TruncatedJson,
    /// A success without a body.
    EmptySuccess,
    /// The head promises more bytes than come, though the server did what it was asked for.
    LongLength,
    /// The head promises fewer bytes than come.
    ShortLength,
    /// An alert of TLS in place of whatever was to come.
    Tls,
    /// The connection is reset when TLS has begun.
    TlsCut,
    /// A certificate that has expired.
    TlsExpired,
    /// A certificate that is not valid yet.
    TlsNotYet,
    /// A certificate for another name.
    TlsOtherName,
    /// An authority's own certificate.
    TlsAuthority,
    /// A certificate by an authority that nobody knows.
    TlsStranger,
    /// Too many requests, without a wait that anybody could read.
    TooMany,
    /// Too many requests: a second.
    TooManyOneSecond,
    /// Too many requests: a date.
    TooManyUntil,
    /// Too many requests: a date to come.
    TooManyUntilThen,
    /// Too many requests: nothing else.
    TooManyBare,
    /// Too many requests: no wait at all.
    TooManyNoWait,
    /// Too many requests: a wait that is no number of seconds.
    TooManyOdd,
    /// Too many requests, in Telegram's own words.
    TooManyInWords,
    /// An answer that is far too long.
    Endless,
    /// A way to another address.
    Redirect,
    /// The answer to an earlier request. The server never sees this one.
    AnotherAnswer,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 35] = [
        Self::Refused,
        Self::ResetBefore,
        Self::HalfRequest,
        Self::ResetAfter,
        Self::CutAnswer,
        Self::Silence,
        Self::LostAnswer,
        Self::Slow,
        Self::BadGateway,
        Self::Unavailable,
        Self::Forbidden,
        Self::NotAllowed,
        Self::PageAsSuccess,
        Self::TruncatedJson,
        Self::EmptySuccess,
        Self::LongLength,
        Self::ShortLength,
        Self::Tls,
        Self::TlsCut,
        Self::TlsExpired,
        Self::TlsNotYet,
        Self::TlsOtherName,
        Self::TlsAuthority,
        Self::TlsStranger,
        Self::TooMany,
        Self::TooManyOneSecond,
        Self::TooManyUntil,
        Self::TooManyUntilThen,
        Self::TooManyBare,
        Self::TooManyNoWait,
        Self::TooManyOdd,
        Self::TooManyInWords,
        Self::Endless,
        Self::Redirect,
        Self::AnotherAnswer,
    ];

    /// What the table of figures calls it.
    pub(crate) fn name(self) -> String {
        format!("{self:?}")
    }

    /// Whether it looks like a whole file to whoever asks for one: of a manager's file nothing is known before it is
    /// fetched.
    pub(crate) const fn passes_for_a_file(self) -> bool {
        matches!(
            self,
            Self::PageAsSuccess
                | Self::TruncatedJson
                | Self::EmptySuccess
                | Self::ShortLength
                | Self::AnotherAnswer
                | Self::Endless
        )
    }

    /// Whether whoever asks is left without the server's answer, after the request may have set off.
    pub(crate) const fn leaves_in_doubt(self) -> bool {
        !matches!(
            self,
            Self::Refused
                | Self::Tls
                | Self::TlsCut
                | Self::TlsExpired
                | Self::TlsNotYet
                | Self::TlsOtherName
                | Self::TlsAuthority
                | Self::TlsStranger
                | Self::TooManyInWords
        )
    }

    /// What is done with the request.
    pub(crate) fn course(self) -> Course {
        let page = "<html><head><title>error</title></head><body><center><h1>nginx</h1></center></body></html>";
        let html = |status| Course::Instead(Message::answer(status, &["content-type: text/html"], page));
        let many = |headers: &[&str]| Course::Instead(Message::answer("429 Too Many Requests", headers, page));
        let json = |body| Course::Instead(Message::answer("200 OK", &["content-type: application/json"], body));
        match self {
            Self::Refused | Self::ResetBefore => Course::Reset,
            Self::HalfRequest => Course::Half,
            Self::ResetAfter => Course::Handled(After::Reset),
            Self::CutAnswer => Course::Handled(After::Cut),
            Self::Silence => Course::Silence,
            Self::LostAnswer => Course::Handled(After::Silence),
            Self::Slow => Course::Handled(After::Slow(Duration::from_millis(20))),
            Self::BadGateway => html("502 Bad Gateway"),
            Self::Unavailable => html("503 Service Unavailable"),
            Self::Forbidden => html("403 Forbidden"),
            Self::NotAllowed => html("405 Not Allowed"),
            Self::PageAsSuccess => html("200 OK"),
            Self::TruncatedJson => json(r#"{"ok":true,"result":{"message_id":"#),
            Self::EmptySuccess => json(""),
            Self::LongLength => Course::Handled(After::LongLength),
            Self::ShortLength => Course::Handled(After::ShortLength),
            // Where there is no TLS, they come to the same.
            Self::Tls
            | Self::TlsCut
            | Self::TlsExpired
            | Self::TlsNotYet
            | Self::TlsOtherName
            | Self::TlsAuthority
            | Self::TlsStranger => Course::Bytes(&TLS_ALERT),
            Self::TooMany => many(&["retry-after: soon"]),
            Self::TooManyOneSecond => many(&["retry-after: 1"]),
            Self::TooManyUntil => many(&["retry-after: Thu, 01 Jan 1970 00:00:01 GMT"]),
            Self::TooManyUntilThen => many(&["retry-after: Fri, 31 Dec 9999 23:59:59 GMT"]),
            Self::TooManyBare => many(&[]),
            Self::TooManyNoWait => many(&["retry-after: 0"]),
            Self::TooManyOdd => many(&["retry-after: -1", "retry-after: 1.5"]),
            Self::TooManyInWords => {
                let words = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}"#;
                Course::Instead(Message::answer("429 Too Many Requests", &["content-type: application/json"], words))
            }
            Self::Endless => Course::Endless,
            Self::Redirect => {
                Course::Instead(Message::answer("302 Found", &["location: http://127.0.0.1:9/elsewhere"], page))
            }
            Self::AnotherAnswer => Course::Another,
        }
    }
}

/// What is done with a request.
#[derive(Debug)]
pub(crate) enum Course {
    /// The connection is reset.
    Reset,
    /// The server gets half of it.
    Half,
    /// Nobody answers.
    Silence,
    /// This is the answer.
    Instead(Message),
    /// These bytes are the answer, which are no HTTP.
    Bytes(&'static [u8]),
    /// The answer goes on and on.
    Endless,
    /// The answer to another request is the answer.
    Another,
    /// The server handles it, and something happens to its answer.
    Handled(After),
}

/// What happens to an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    Reset,
    Cut,
    Silence,
    Slow(Duration),
    LongLength,
    ShortLength,
}
