//! Loads a configuration, and reloads it while a bridge runs.

use std::path::{Path, PathBuf};

use crate::config::{Config, ConfigError, Environment, Kommo, Log, Server, Store, file, layers, sections};

/// The default paths of the file, in this order.
const PLACES: [&str; 2] = ["config.toml", "/etc/telekommo/config.toml"];

/// The origin of a configuration, for reloads.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) path: Option<PathBuf>,
    pub(super) environment: Environment,
}

impl Config {
    /// Reads the configuration from the file at `path`, with the variables of `environment` over it.
    ///
    /// Without a path it is `config.toml` in the working directory, else `/etc/telekommo/config.toml`; if there is
    /// neither, only the `TELEKOMMO_` variables count.
    ///
    /// # Errors
    /// [`ConfigError`], a text for the operator that never contains a secret.
    pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        Self::load_from(path, &PLACES.map(Path::new), environment)
    }

    /// [`Config::load`] with other default paths.
    pub(super) fn load_from(
        path: Option<&Path>,
        places: &[&Path],
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let file = file::find(path, places, environment)?;
        let config = sections::read(&layers::Layers::read(file, environment)?)?;
        let place = Place { path: path.map(Path::to_owned), environment: environment.clone() };
        Ok(Self { place, ..config })
    }

    /// Reads the configuration again, from the same places.
    pub fn again(&self) -> Result<Self, ConfigError> {
        Self::load(self.place.path.as_deref(), &self.place.environment)
    }

    /// The same, with the keys that only a start reads as in `running`.
    #[must_use]
    pub fn started_as(self, running: &Self) -> Self {
        let (kommo, store) = (&running.kommo, &running.store);
        Self {
            data_dir: running.data_dir.clone(),
            server: Server { public_url: self.server.public_url, ..running.server.clone() },
            admin: running.admin.clone(),
            gateway: running.gateway.clone(),
            kommo: Kommo {
                chats_url: kommo.chats_url.clone(),
                account_url: kommo.account_url.clone(),
                channel_id: kommo.channel_id.clone(),
                channel_secret: kommo.channel_secret.clone(),
                account_id: kommo.account_id.clone(),
                ..self.kommo
            },
            log: Log { format: running.log.format, ..self.log },
            store: Store { dump_every: self.store.dump_every, dump_keep: self.store.dump_keep, ..store.clone() },
            trace: running.trace.clone(),
            written: self.written.started_as(&running.written),
            ..self
        }
    }
}
