//! Builds the bots from the configuration.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;

use crate::{
    config::{ButtonPlace, Config, Source, Telegram},
    domain::{address::SourceId, keyboard::Layout},
    media::disk::Disk,
    metrics::{Metrics, RemoteApi},
    rate_limit::ChatLimits,
    telegram::{access::Access, bot::Bot},
};

/// The largest file that a bot can download (Bot API, `getFile`), in bytes.
const DOWNLOAD_BYTES: u64 = 20 << 20;
/// The largest file that a bot can upload (Bot API, "Sending files"), in bytes.
const UPLOAD_BYTES: u64 = 50 << 20;
/// The same either way with an own server run with `--local` (Bot API, "Using a Local Bot API Server"), in bytes.
const LOCAL_BYTES: u64 = 2000 << 20;
/// How long an own server may take to fetch a file from Telegram, which it does before it responds.
const LOCAL_FETCH_TIMEOUT: Duration = Duration::from_mins(15);
/// How long an own server may take to pass a file on to Telegram, which it does once it has all of it and before it
/// responds: 2,000 MB at 10 Mbit/s.
const LOCAL_SEND_TIMEOUT: Duration = Duration::from_mins(30);

/// The largest file of a customer that the bots can download, in bytes.
#[must_use]
pub const fn largest_download_bytes(telegram: &Telegram) -> u64 {
    if telegram.local { LOCAL_BYTES } else { DOWNLOAD_BYTES }
}

/// The directory of an own Bot API server, if there is one.
///
/// # Errors
/// If it cannot be read; the message says what to do.
pub fn disk(config: &Config) -> anyhow::Result<Option<Disk>> {
    let Some(directory) = config.telegram.local_dir.as_ref().filter(|_| config.telegram.local) else { return Ok(None) };
    let disk = Disk::open(directory).with_context(|| {
        format!(
            "cannot read {}: let `telegram.local_dir` be the directory in which your Bot API server keeps files, and \
             let telekommo's user read what is in it",
            directory.display()
        )
    });
    disk.map(Some)
}

/// The settings of bots' connections.
pub(super) fn access(config: &Config) -> Access {
    Access {
        api_url: config.telegram.api_url.url().clone(),
        egress: config.telegram.egress(),
        send_timeout: config.telegram.send_timeout,
        answer_timeout: if config.telegram.local { LOCAL_SEND_TIMEOUT } else { config.telegram.send_timeout },
        limit_bytes: if config.telegram.local { LOCAL_BYTES } else { UPLOAD_BYTES },
        find_timeout: if config.telegram.local { LOCAL_FETCH_TIMEOUT } else { config.telegram.send_timeout },
        poll_timeout: config.telegram.poll_timeout,
        requests_per_second: config.telegram.requests_per_second.get(),
        chat_limits: ChatLimits {
            per_second: config.telegram.chat_requests_per_second.get(),
            burst: config.telegram.chat_burst.get(),
            group_per_minute: config.telegram.group_requests_per_minute.get(),
        },
        layout: match config.telegram.buttons {
            ButtonPlace::Inline => Layout::Inline,
            ButtonPlace::Keyboard => Layout::Keyboard { is_one_time: !config.telegram.keep_buttons },
        },
    }
}

/// The same, with requests counted in the metrics.
pub(super) fn observed(config: &Config, metrics: &Arc<Metrics>) -> Access {
    let access = access(config);
    Access { egress: access.egress.observed(metrics.observer(RemoteApi::Telegram)), ..access }
}

/// The bot of each source.
pub fn bots(config: &Config) -> anyhow::Result<BTreeMap<SourceId, Bot>> {
    bots_by(config, &access(config))
}

/// The same with these connections.
pub(super) fn bots_by(config: &Config, access: &Access) -> anyhow::Result<BTreeMap<SourceId, Bot>> {
    let bot = |(source, settings): (&SourceId, &Source)| {
        let bot = Bot::new(source.clone(), settings.token.bot_id(), settings.token.expose(), access)?;
        Ok((source.clone(), bot))
    };
    config.sources.iter().map(bot).collect()
}
