//! HTTP requests, by whom they ask and for what. Of an address only what is known to be no secret is read.

use std::sync::Arc;

use crate::{
    metrics::{Metrics, expected::ensure_series, figures::labels},
    net::{Observer, Seen},
};

/// Whom a request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The Bot API.
    Telegram,
    /// The Chats API.
    Kommo,
    /// The account's REST API.
    Account,
    /// The hosts that keep managers' files.
    Files,
}

/// The methods of the Bot API that are called, and the files below it.
const TELEGRAM: [&str; 23] = [
    "answerCallbackQuery",
    "editMessageReplyMarkup",
    "file",
    "getBusinessConnection",
    "getChat",
    "getFile",
    "getMe",
    "getUpdates",
    "getUserProfilePhotos",
    "readBusinessMessage",
    "sendAnimation",
    "sendAudio",
    "sendChatAction",
    "sendContact",
    "sendDocument",
    "sendLocation",
    "sendMediaGroup",
    "sendMessage",
    "sendPhoto",
    "sendSticker",
    "sendVideo",
    "sendVoice",
    "setMessageReaction",
];
/// What follows the scope in the Chats API; nothing follows it for a message.
const KOMMO: [&str; 7] = ["chats", "connect", "delivery_status", "disconnect", "history", "message", "react"];
/// What the account's API has below its version.
const ACCOUNT: [&str; 7] = ["account", "chats", "contacts", "events", "leads", "sources", "users"];
/// What stands for all that is not known.
const OTHER: &str = "other";

impl Asked {
    const fn name(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Kommo => "kommo",
            Self::Account => "account",
            Self::Files => "files",
        }
    }

    const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Telegram => &TELEGRAM,
            Self::Kommo => &KOMMO,
            Self::Account => &ACCOUNT,
            Self::Files => &["file"],
        }
    }

    /// What is asked for.
    fn method(self, path: &str) -> &'static str {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let named = |name: &str| self.methods().iter().find(|method| method.eq_ignore_ascii_case(name)).copied();
        match self {
            Self::Telegram if path.contains("/file/bot") => "file",
            Self::Telegram => segments.next_back().and_then(named).unwrap_or(OTHER),
            // The last that is no id; a scope alone takes messages.
            Self::Kommo => segments.rev().take(2).find_map(named).unwrap_or("message"),
            Self::Account => {
                let below = segments.skip_while(|segment| *segment != "v4").nth(1);
                below.and_then(named).unwrap_or(OTHER)
            }
            Self::Files => "file",
        }
    }
}

impl Metrics {
    /// Counts the requests of a client.
    #[must_use]
    pub fn observer(self: &Arc<Self>, asked: Asked) -> Observer {
        let metrics = Arc::clone(self);
        Observer::new(move |seen| metrics.called(asked, seen))
    }

    fn called(&self, asked: Asked, seen: &Seen<'_>) {
        let method = asked.method(seen.url.path());
        let status = seen.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let of = labels([("remote", asked.name()), ("method", method), ("status", &status)]);
        self.figures.http_requests.get_or_create(&of).inc();
        let of = labels([("remote", asked.name()), ("method", method)]);
        self.figures.http_seconds.get_or_create(&of).observe(seen.took.as_secs_f64());
    }

    /// Calls that are to be expected are there at 0, as if they had succeeded.
    pub(super) fn expect_calls(&self) {
        for asked in [Asked::Telegram, Asked::Kommo, Asked::Account, Asked::Files] {
            for method in asked.methods() {
                let of = labels([("remote", asked.name()), ("method", method), ("status", "200")]);
                ensure_series(&self.figures.http_requests, &of);
                ensure_series(&self.figures.http_seconds, &labels([("remote", asked.name()), ("method", method)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_by_what_is_known_of_its_address() {
        let scope = "344a5002-f8ca-454d-af3d-396180102ac7_52e591f7-c98f-4255-8495-827210138c81";
        for (asked, path, method) in [
            (Asked::Telegram, "/bot123:secret/SendMessage", "sendMessage"),
            (Asked::Telegram, "/own/bot123:secret/getUpdates", "getUpdates"),
            (Asked::Telegram, "/file/bot123:secret/photos/getMe", "file"),
            (Asked::Telegram, "/bot123:secret/secret", "other"),
            (Asked::Kommo, &format!("/v2/origin/custom/{scope}"), "message"),
            (Asked::Kommo, &format!("/v2/origin/custom/{scope}/react"), "react"),
            (Asked::Kommo, &format!("/v2/origin/custom/{scope}/chats"), "chats"),
            (Asked::Kommo, &format!("/v2/origin/custom/{scope}/chats/5f0c/history"), "history"),
            (Asked::Kommo, &format!("/v2/origin/custom/{scope}/5f0c/delivery_status"), "delivery_status"),
            (Asked::Kommo, "/v2/origin/custom/344a5002/connect", "connect"),
            (Asked::Account, "/api/v4/contacts/5/notes", "contacts"),
            (Asked::Account, "/path/api/v4/account", "account"),
            (Asked::Account, "/api/v4/secret", "other"),
            (Asked::Files, "/secret/file.jpg", "file"),
        ] {
            assert_eq!(asked.method(path), method, "{path}");
        }
    }
}
