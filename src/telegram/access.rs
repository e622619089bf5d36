//! What the configuration says of the way to Telegram.

use std::time::Duration;

use reqwest::Url;

use crate::{domain::keyboard::Layout, net::Egress, rate_limit::ChatLimits};

/// How a bot is reached.
#[derive(Clone, Debug)]
pub struct Access {
    /// The Bot API server.
    pub api_url: Url,
    pub egress: Egress,
    /// How long a call may take, and how long nothing may move of one that sends a file.
    pub send_timeout: Duration,
    /// How long the server may take to answer once it has all of a file.
    pub answer_timeout: Duration,
    /// The most bytes of a file that the server takes from bots: 50 MB, or 2,000 MB at one's own.
    pub limit_bytes: u64,
    /// How long the server may take to have a file ready.
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
