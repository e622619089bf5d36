//! Connecting a channel to an account ("Connect channel", "Disconnect channel").

use serde::Serialize;

use crate::lenient::lenient;

/// The body of `POST …/{channel}/connect`. This can be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connect {
    /// The account's id in the Chats API.
    pub account_id: String,
    /// What the channel is to be called in this account; without it, by its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `v2`: without it amoCRM sends hooks of a version that nobody serves any more.
    pub hook_api_version: &'static str,
    /// Whether managers may write at any time, however long ago the customer wrote.
    pub is_time_window_disabled: bool,
}

/// The body of `DELETE …/{channel}/disconnect`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disconnect {
    /// The account's id in the Chats API.
    pub account_id: String,
}

lenient! {
    /// The answer to a [`Connect`].
    pub struct Connected {
        /// Channel and account, as they stand in the paths of the Chats API.
        pub scope_id: String,
        /// What the channel is called in this account.
        pub title: String,
        /// As it was asked for; older servers leave it out.
        pub is_time_window_disabled: bool,
    }
}
