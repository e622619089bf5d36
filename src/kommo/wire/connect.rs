//! Connects a channel to an account ("Connect channel", "Disconnect channel").

use serde::Serialize;

use crate::lenient::lenient;

/// The body of `POST …/{channel}/connect`. Idempotent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connect {
    /// The account's id in the Chats API.
    pub account_id: String,
    /// The name of the channel in this account. Without it, the channel keeps its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `v2`. Without it amoCRM sends hooks of an obsolete version.
    pub hook_api_version: &'static str,
    /// Whether managers may write any time after the customer's last message.
    pub is_time_window_disabled: bool,
}

/// The body of `DELETE …/{channel}/disconnect`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disconnect {
    /// The account's id in the Chats API.
    pub account_id: String,
}

lenient! {
    /// The response to a [`Connect`].
    pub struct Connected {
        /// The id of the channel and the account in the paths of the Chats API.
        pub scope_id: String,
        /// The name of the channel in this account.
        pub title: String,
        /// As in the request. Older servers leave it out.
        pub is_time_window_disabled: bool,
    }
}
