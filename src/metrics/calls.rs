//! HTTP requests by remote and method. Only parts of a URL that are known to be no secret are used.

use std::sync::Arc;

use crate::{
    metrics::{Metrics, expected::ensure_series, figures::labels},
    net::{ObservedRequest, Observer},
};

/// The remote of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteApi {
    /// The Bot API.
    Telegram,
    /// The Chats API.
    Kommo,
    /// The account's REST API.
    Account,
    /// The hosts that keep managers' files.
    Files,
}

/// The methods of the Bot API that are called, and `file` for downloads.
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
/// The path segments after the scope in the Chats API; a message has none.
const KOMMO: [&str; 7] = ["chats", "connect", "delivery_status", "disconnect", "history", "message", "react"];
/// The path segments after the version in the account's API.
const ACCOUNT: [&str; 7] = ["account", "chats", "contacts", "events", "leads", "sources", "users"];
/// The label of anything else.
const OTHER: &str = "other";

impl RemoteApi {
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

    /// The label of a request's path.
    fn method(self, path: &str) -> &'static str {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let named = |name: &str| self.methods().iter().find(|method| method.eq_ignore_ascii_case(name)).copied();
        match self {
            Self::Telegram if path.contains("/file/bot") => "file",
            Self::Telegram => segments.next_back().and_then(named).unwrap_or(OTHER),
            // The last segment that is no id; a scope alone takes messages.
            Self::Kommo => segments.rev().take(2).find_map(named).unwrap_or("message"),
            Self::Account => {
                let resource = segments.skip_while(|segment| *segment != "v4").nth(1);
                resource.and_then(named).unwrap_or(OTHER)
            }
            Self::Files => "file",
        }
    }
}

impl Metrics {
    /// Counts the requests of a client.
    #[must_use]
    pub fn observer(self: &Arc<Self>, remote: RemoteApi) -> Observer {
        let metrics = Arc::clone(self);
        Observer::new(move |request| metrics.count_request(remote, request))
    }

    fn count_request(&self, remote: RemoteApi, request: &ObservedRequest<'_>) {
        let method = remote.method(request.url.path());
        let status = request.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let of = labels([("remote", remote.name()), ("method", method), ("status", &status)]);
        self.figures.http_requests.get_or_create(&of).inc();
        let of = labels([("remote", remote.name()), ("method", method)]);
        self.figures.http_seconds.get_or_create(&of).observe(request.took.as_secs_f64());
    }

    /// Creates the series of expected requests at 0, with status 200.
    pub(super) fn expect_calls(&self) {
        for remote in [RemoteApi::Telegram, RemoteApi::Kommo, RemoteApi::Account, RemoteApi::Files] {
            for method in remote.methods() {
                let of = labels([("remote", remote.name()), ("method", method), ("status", "200")]);
                ensure_series(&self.figures.http_requests, &of);
                ensure_series(&self.figures.http_seconds, &labels([("remote", remote.name()), ("method", method)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_labelled_by_known_parts_of_its_url() {
        let scope = "344a5002-f8ca-454d-af3d-396180102ac7_52e591f7-c98f-4255-8495-827210138c81";
        for (remote, path, method) in [
            (RemoteApi::Telegram, "/bot123:secret/SendMessage", "sendMessage"),
            (RemoteApi::Telegram, "/own/bot123:secret/getUpdates", "getUpdates"),
            (RemoteApi::Telegram, "/file/bot123:secret/photos/getMe", "file"),
            (RemoteApi::Telegram, "/bot123:secret/secret", "other"),
            (RemoteApi::Kommo, &format!("/v2/origin/custom/{scope}"), "message"),
            (RemoteApi::Kommo, &format!("/v2/origin/custom/{scope}/react"), "react"),
            (RemoteApi::Kommo, &format!("/v2/origin/custom/{scope}/chats"), "chats"),
            (RemoteApi::Kommo, &format!("/v2/origin/custom/{scope}/chats/5f0c/history"), "history"),
            (RemoteApi::Kommo, &format!("/v2/origin/custom/{scope}/5f0c/delivery_status"), "delivery_status"),
            (RemoteApi::Kommo, "/v2/origin/custom/344a5002/connect", "connect"),
            (RemoteApi::Account, "/api/v4/contacts/5/notes", "contacts"),
            (RemoteApi::Account, "/path/api/v4/account", "account"),
            (RemoteApi::Account, "/api/v4/secret", "other"),
            (RemoteApi::Files, "/secret/file.jpg", "file"),
        ] {
            assert_eq!(remote.method(path), method, "{path}");
        }
    }
}
