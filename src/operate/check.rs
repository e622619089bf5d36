//! `telekommo check`: what a configuration means, in words and without secrets.

use std::fmt;

use crate::config::Config;

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
        writeln!(f, "Probes and metrics          http://{}/ready, /live, /metrics", config.admin.listen)?;
        writeln!(f, "Scope                       {}", config.kommo.scope_id())?;
        writeln!(f, "Chats API                   {}", config.kommo.chats_url)?;
        writeln!(f, "Bot API                     {}", config.telegram.api_url)?;
        writeln!(f, "Data                        {}", config.data_dir.display())?;
        for (source, settings) in &config.sources {
            writeln!(f, "Source {source:<20} {} (bot {})", settings.name, settings.token.bot_id())?;
        }
        Ok(())
    }
}
