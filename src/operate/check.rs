//! `telekommo check`: what a configuration means, in words and without secrets, and how Kommo and Telegram see it.

use std::fmt;

use crate::{config::Config, operate::terminal::paragraph};

mod kommo;
mod machine;
mod telegram;

pub use kommo::ask;
pub use machine::look;
pub use telegram::{ask as ask_telegram, files as ask_files};

/// A configuration, described for its operator.
#[derive(Debug)]
pub struct Summary<'a>(pub &'a Config);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.0;
        writeln!(f, "The configuration is sound.\n")?;
        writeln!(f, "Webhook address for Kommo   {}/kommo/:scope_id", config.server.public_url)?;
        writeln!(f, "Links to files              {}/media/…", config.server.public_url)?;
        writeln!(f, "  which both must lead to   http://{}", config.server.listen)?;
        let path = config.server.public_url.url().path().trim_end_matches('/');
        if !path.is_empty() {
            writeln!(f, "                            with {path} in front or without")?;
        }
        writeln!(f, "Probes and metrics          http://{}/ready, /live, /metrics", config.admin.listen)?;
        match &config.kommo.account_id {
            Some(id) => writeln!(f, "Scope\n  {}", config.kommo.scope_id(id))?,
            None => writeln!(f, "Scope                       known once the account has told its id")?,
        }
        writeln!(f, "Chats API                   {}", config.kommo.chats_url)?;
        writeln!(f, "Bot API                     {}", config.telegram.api_url)?;
        writeln!(f, "Data                        {}", config.data_dir.display())?;
        for (source, settings) in &config.sources {
            writeln!(f, "Source {source:<20} {} (bot {})", settings.name, settings.token.bot_id())?;
        }
        Ok(())
    }
}

/// One thing that was asked of Kommo or Telegram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub about: &'static str,
    /// How it stands, and what to do if it does not stand well.
    pub text: String,
    /// Whether somebody has to do something.
    pub is_wrong: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&paragraph(self.about, &self.text))
    }
}
