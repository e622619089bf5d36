//! The bots that the configuration names.

use std::collections::BTreeMap;

use crate::{
    config::{ButtonPlace, Config, Source},
    domain::{address::SourceId, keyboard::Layout},
    telegram::bot::{Access, Bot},
};

/// The bots of all sources.
///
/// # Errors
/// If an HTTP client cannot be set up.
pub fn bots(config: &Config) -> anyhow::Result<BTreeMap<SourceId, Bot>> {
    let access = Access {
        api_url: config.telegram.api_url.url().clone(),
        send_timeout: config.telegram.send_timeout,
        limit_bytes: if config.telegram.local { 2000 << 20 } else { 50 << 20 },
        poll_timeout: config.telegram.poll_timeout,
        requests_per_second: config.telegram.requests_per_second.get(),
        layout: match config.telegram.buttons {
            ButtonPlace::Inline => Layout::Inline,
            ButtonPlace::Keyboard => Layout::Keyboard { is_one_time: !config.telegram.keep_buttons },
        },
    };
    let bot = |(source, settings): (&SourceId, &Source)| {
        let bot = Bot::new(source.clone(), settings.token.bot_id(), settings.token.expose(), &access)?;
        Ok((source.clone(), bot))
    };
    config.sources.iter().map(bot).collect()
}
