//! How bots reach the Bot API: server, proxy, timeouts and limits, from the configuration.

use std::time::Duration;

use reqwest::Url;

use crate::{domain::keyboard::Layout, net::Egress, rate_limit::ChatLimits};

/// The settings of a bot's connection.
#[derive(Clone, Debug)]
pub struct Access {
    /// The Bot API server.
    pub api_url: Url,
    pub egress: Egress,
    /// How long a call may take, and how long an upload may make no progress.
    pub send_timeout: Duration,
    /// How long the server may take to respond once it has a whole file.
    pub answer_timeout: Duration,
    /// The largest file that the server accepts from bots: 50 MB, or 2,000 MB for a server of one's own.
    pub limit_bytes: u64,
    /// How long the server may take to prepare a file (`getFile`).
    pub find_timeout: Duration,
    /// How long the server holds a poll without updates; Telegram allows up to 50 s.
    pub poll_timeout: Duration,
    /// Calls per second; Telegram's guidance is 30 for one bot.
    pub requests_per_second: u32,
    /// The limits of each chat.
    pub chat_limits: ChatLimits,
    /// Where buttons are shown.
    pub layout: Layout,
}
