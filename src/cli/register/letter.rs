//! The letter to Kommo's support.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::{
    cli::register::{Registration, answered, questions as ask},
    translate::emoji,
};

/// Where the configuration is looked for if the command line names none.
const PLACES: [&str; 2] = ["config.toml", "/etc/telekommo/config.toml"];

/// What the letter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// Where the internet reaches telekommo.
    pub(super) public_url: String,
    /// Whom Kommo writes to.
    pub(super) email: String,
    service_name: String,
    accounts: String,
    integration: String,
    /// What Kommo calls the widget, once its archive is uploaded; empty if nobody knows.
    pub(super) widget_code: String,
    /// Whether managers may write first: yes or no.
    pub(super) write_first: String,
    reactions: String,
    max_file_mb: String,
}

impl Letter {
    /// Asks for what the options do not say, but for the widget's code: that is known only once the widget is uploaded.
    pub(super) fn ask(register: &Registration, configured: Option<PathBuf>) -> anyhow::Result<Self> {
        let public_url = register.public_url.clone().or_else(|| configured_url(configured));
        Ok(Self {
            public_url: answered(public_url.as_ref(), &ask::PUBLIC_URL)?,
            service_name: answered(register.service_name.as_ref(), &ask::SERVICE_NAME)?,
            accounts: answered(register.accounts.as_ref(), &ask::ACCOUNTS)?,
            email: answered(register.email.as_ref(), &ask::EMAIL)?,
            integration: answered(register.integration.as_ref(), &ask::INTEGRATION)?,
            widget_code: match &register.widget_code {
                Some(given) => answered(Some(given), &ask::WIDGET_CODE)?,
                None => String::new(),
            },
            write_first: answered(register.write_first.as_ref(), &ask::WRITE_FIRST)?,
            reactions: answered(register.reactions.as_ref(), &ask::REACTIONS)?,
            max_file_mb: answered(register.max_file_mb.as_ref(), &ask::MAX_FILE)?,
        })
    }
}

/// `server.public_url` of a configuration that may still lack what only the registration brings.
fn configured_url(named: Option<PathBuf>) -> Option<String> {
    let places = named.map_or_else(|| PLACES.map(PathBuf::from).to_vec(), |path| vec![path]);
    let text = places.iter().find_map(|path| fs::read_to_string(path as &Path).ok())?;
    let table: toml::Table = toml::from_str(&text).ok()?;
    Some(table.get("server")?.get("public_url")?.as_str()?.to_owned())
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hooks = format!("{}/kommo/:scope_id", self.public_url);
        let reactions = if self.reactions == "yes" { emoji::all().collect() } else { "no".to_owned() };
        let widget_code = match self.widget_code.as_str() {
            "" => "not known to us; if the integration has a widget, please take its code from there",
            code => code,
        };
        let lines = [
            ("Service name", self.service_name.as_str()),
            ("Webhook URL", &hooks),
            ("Accounts", &self.accounts),
            ("Write first", &self.write_first),
            ("Time window", "none; no template picker"),
            ("Contact e-mail", &self.email),
            ("Icon", "attached (SVG, round, 14x14)"),
            ("Integration id", &self.integration),
            ("Widget code", widget_code),
            ("Distribution", "private: for the accounts above alone"),
            ("Integration stores files itself", "no"),
            ("Reactions", &reactions),
            ("Quoting (replies)", "yes"),
            ("Voice messages", "yes"),
        ];
        writeln!(f, "Subject: registration of a chat channel, {}\n", self.service_name)?;
        writeln!(f, "Hello,\n\nplease register a chat channel for our integration.\n")?;
        for (number, (name, value)) in (1..).zip(lines) {
            writeln!(f, "{number:>2}. {name}: {value}")?;
        }
        writeln!(f, "15. Largest file: {} MB", self.max_file_mb)?;
        writeln!(f, "\nPlease also enable typing notifications, replies and forwards for this channel.")?;
        writeln!(f, "\nWe need back: the channel's code, id and secret, the id and name of its bot, and the amojo_id")?;
        writeln!(f, "of our account.")?;
        write!(f, "\nThank you.")
    }
}
