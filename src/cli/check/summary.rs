//! What a configuration means: which addresses lead where, and whom telekommo asks.

use std::fmt;

use crate::{cli::check::through, config::Config};

/// A configuration, described for its operator.
#[derive(Debug)]
pub struct Summary<'a>(pub &'a Config);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.0;
        writeln!(f, "Webhook address for Kommo   {}/kommo/:scope_id", config.server.public_url)?;
        writeln!(f, "Links to files              {}/media/…", config.server.public_url)?;
        writeln!(f, "  both must lead to         {}", config.server.listener())?;
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
        for (name, program) in &config.programs {
            let place = config.gateway.listen;
            writeln!(f, "Program {name:<19} source {}, at http://{place}", program.source)?;
        }
        Ok(())
    }
}
