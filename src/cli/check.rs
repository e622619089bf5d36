//! `telekommo check`: what a configuration means, in words and without secrets, and how Kommo and Telegram see it.

use std::fmt;

use crate::{
    cli::terminal::paragraph,
    config::{BaseUrl, Config},
    net::Egress,
};

mod files;
mod kommo;
mod machine;
mod served;
mod telegram;

pub use files::{of_customers, of_managers};
pub use kommo::ask;
pub use machine::look;
pub use served::served as ask_served_files;
pub use telegram::{ask as ask_telegram, files as ask_files, needs};

/// A configuration, described for its operator.
#[derive(Debug)]
pub struct Summary<'a>(pub &'a Config);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.0;
        writeln!(f, "The configuration can be read.\n")?;
        writeln!(f, "Webhook address for Kommo   {}/kommo/:scope_id", config.server.public_url)?;
        writeln!(f, "Links to files              {}/media/…", config.server.public_url)?;
        writeln!(f, "  both must lead to         http://{}", config.server.listen)?;
        let path = config.server.public_url.url().path().trim_end_matches('/');
        if !path.is_empty() {
            writeln!(f, "                            with {path} in front or without")?;
        }
        writeln!(f, "Probes and metrics          http://{}/ready, /live, /metrics", config.admin.listen)?;
        match &config.kommo.account_id {
            Some(id) => writeln!(f, "Scope\n  {}", config.kommo.scope_id(id))?,
            None => writeln!(f, "Scope                       unknown until the account answers")?,
        }
        let (kommo, telegram) = (config.kommo.egress(), config.telegram.egress());
        writeln!(
            f,
            "Chats API                   {}{}",
            config.kommo.chats_url,
            through(&kommo, &config.kommo.chats_url)
        )?;
        if let Some(url) = &config.kommo.account_url {
            writeln!(f, "Account's API               {url}{}", through(&kommo, url))?;
        }
        writeln!(
            f,
            "Bot API                     {}{}",
            config.telegram.api_url,
            through(&telegram, &config.telegram.api_url)
        )?;
        writeln!(f, "Data                        {}", config.data_dir.display())?;
        for (source, settings) in &config.sources {
            writeln!(f, "Source {source:<20} {} (bot {})", settings.name, settings.token.bot_id())?;
        }
        Ok(())
    }
}

/// The proxy that a request goes through, as the end of a line or a sentence; nothing if it goes directly.
fn through(egress: &Egress, url: &BaseUrl) -> String {
    egress.proxy_to(url.url()).map(|proxy| format!(", through the proxy {}", proxy.host)).unwrap_or_default()
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
