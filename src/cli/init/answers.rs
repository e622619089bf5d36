//! Answers from a file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::files::{readers, text};

/// All that can be answered. Its debug output would show secrets, so it has none.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Answers {
    pub(super) data_dir: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) account_url: Option<String>,
    access_token: Option<String>,
    access_token_file: Option<PathBuf>,
    pub(super) account_id: Option<String>,
    pub(super) channel_id: Option<String>,
    channel_secret: Option<String>,
    channel_secret_file: Option<PathBuf>,
    pub(super) origin_code: Option<String>,
    pub(super) bot_id: Option<String>,
    pub(super) connect: Option<bool>,
    pub(super) unit: Option<PathBuf>,
    pub(super) bots: BTreeMap<String, BotAnswer>,
    /// Where relative names of files begin.
    #[serde(skip)]
    folder: PathBuf,
}

/// What is answered about one bot.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BotAnswer {
    token: Option<String>,
    token_file: Option<PathBuf>,
    pub(super) name: Option<String>,
}

impl Answers {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read, is not TOML, has a key that nobody knows, or others can read its secrets.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let written = text::read(path).with_context(|| format!("{shown} cannot be read"))?;
        // The error itself shows lines of the file.
        let answers: Self =
            toml::from_str(&written).map_err(|error| anyhow::anyhow!("{shown}: {}", error.message()))?;
        let holds_secrets = answers.access_token.is_some()
            || answers.channel_secret.is_some()
            || answers.bots.values().any(|bot| bot.token.is_some());
        if holds_secrets && let Ok(Some(others)) = readers::others(path) {
            bail!("{shown} holds secrets, and {} can read it: {}", others.named(), readers::remedy(path));
        }
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { folder, ..answers })
    }

    pub(super) fn access_token(&self) -> anyhow::Result<Option<String>> {
        self.secret(self.access_token.as_ref(), self.access_token_file.as_ref())
    }

    pub(super) fn channel_secret(&self) -> anyhow::Result<Option<String>> {
        self.secret(self.channel_secret.as_ref(), self.channel_secret_file.as_ref())
    }

    pub(super) fn token(&self, source: &str) -> anyhow::Result<Option<String>> {
        let bot = self.bots.get(source);
        self.secret(bot.and_then(|bot| bot.token.as_ref()), bot.and_then(|bot| bot.token_file.as_ref()))
    }

    fn secret(&self, given: Option<&String>, file: Option<&PathBuf>) -> anyhow::Result<Option<String>> {
        match (given, file) {
            (Some(given), _) => Ok(Some(given.trim().to_owned())),
            (None, Some(file)) => {
                let path = self.folder.join(file);
                let secret = text::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
                Ok(Some(secret.trim().to_owned()))
            }
            (None, None) => Ok(None),
        }
    }
}
