//! Whoever sends what is imported: the bridge, for as long as one runs; or this process, until a bridge starts.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use axum::{
    http::{HeaderMap, StatusCode},
    response::IntoResponse as _,
    routing::post,
};
use reqwest::Method;
use rustix::process::geteuid;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{
        identity, import, refusal,
        socket::{self, CommandSocket},
    },
    cli::{
        bridge::{ATTEMPTS, Bridge, Stopped, bots, connect, open, refused},
        terminal,
    },
    config::Config,
    kommo::{chats::Chats, sign::Signer},
    lifecycle::Lifecycle,
    media::link::{LinkKey, Links},
    store::{self, StoreError},
};

/// How long a bridge may be away that an import goes through.
const BACK_WITHIN: Duration = Duration::from_mins(10);
/// How often to look for it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Whoever sends what is imported. An import that goes through a bridge stays with bridges: while one starts again, it
/// must not find its store taken.
pub(in crate::cli) struct Importing<'c> {
    config: &'c Config,
    bridge: Option<Bridge>,
    alone: Option<Alone>,
}

/// What this process does while it has the store: it answers commands in place of a bridge.
struct Alone {
    _socket: CommandSocket,
    life: Lifecycle,
    /// Cancelled by a bridge that starts.
    yields: CancellationToken,
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.life.stop();
    }
}

/// Whether anything can be known of earlier imports: a bridge runs, or there is a store.
///
/// # Errors
/// If this user may not look.
pub(in crate::cli) fn is_there(config: &Config) -> anyhow::Result<bool> {
    Ok(store::is_in(&config.data_dir) || connect(config)?.is_some())
}

/// An import has the store for hours. A bridge that starts meanwhile asks for it by the socket, and finds the store
/// after a crash: both must be its own.
fn must_be_the_owner(data_dir: &Path) -> anyhow::Result<()> {
    let Ok(found) = fs::metadata(data_dir) else { return Ok(()) };
    if found.uid() == geteuid().as_raw() {
        return Ok(());
    }
    bail!(
        "no bridge runs, and {} belongs to another user: start the bridge and import then, or import as that user \
         (such as `sudo -u telekommo telekommo import`)",
        data_dir.display()
    )
}

impl<'c> Importing<'c> {
    /// The bridge that runs with this configuration, or this process with the store, which may be a new one.
    ///
    /// # Errors
    /// If the store cannot be opened, or the account is not known.
    pub(in crate::cli) async fn begin(config: &'c Config) -> anyhow::Result<Self> {
        for _ in 1..ATTEMPTS {
            if let Some(running) = connect(config)? {
                return Ok(Self { config, bridge: Some(Bridge::Running(running)), alone: None });
            }
            must_be_the_owner(&config.data_dir)?;
            match open(config, true).await? {
                Ok(stopped) => return Self::alone(config, stopped).await,
                // Opening it has waited a while already.
                Err(StoreError::Locked(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let socket = socket::path(&config.data_dir);
        bail!("another telekommo has the store, and does not answer on {}: try again", socket.display())
    }

    /// The bridge that runs with this configuration, or the next one that starts.
    ///
    /// # Errors
    /// If none comes.
    pub(in crate::cli) async fn through_bridge(config: &'c Config) -> anyhow::Result<Self> {
        let mut this = Self { config, bridge: None, alone: None };
        this.wait_for_bridge().await?;
        Ok(this)
    }

    async fn alone(config: &'c Config, mut stopped: Stopped) -> anyhow::Result<Self> {
        let kommo = &config.kommo;
        let account = match identity::remembered(kommo, &stopped.store)? {
            Some(account) => account,
            None => identity::learn(kommo, identity::client(kommo)?.as_ref(), &stopped.store).await?,
        };
        let (scope_id, rate) = (kommo.scope_id(&account), kommo.requests_per_second.get());
        let signer = Signer::new(kommo.channel_secret.expose());
        let url = kommo.chats_url.url().clone();
        let chats = Chats::new(&kommo.egress(), url, &scope_id, signer, kommo.timeout, rate)?;
        let chats = chats.assuming(kommo.assumed);
        let links = Links {
            key: LinkKey::derive(kommo.channel_secret.expose()),
            public_url: config.server.public_url.url().clone(),
            valid_for: config.media.links_for,
        };
        let importer = import::Importer::new(&stopped.store, &scope_id, &chats, links, bots(config));
        let (life, yields) = (Lifecycle::default(), CancellationToken::new());
        let asked = yields.clone();
        let give_back = async move |headers: HeaderMap| {
            refusal(&headers).unwrap_or_else(|| {
                asked.cancel();
                StatusCode::NO_CONTENT.into_response()
            })
        };
        stopped.router = stopped.router.merge(import::router(importer)).route(socket::YIELD, post(give_back));
        let socket = CommandSocket::bind(&config.data_dir).context("the command socket cannot be made")?;
        let served = socket.serve(stopped.router.clone(), life.stop_token())?;
        life.may_end("command socket of an import", served);
        let alone = Alone { _socket: socket, life, yields };
        Ok(Self { config, bridge: Some(Bridge::Stopped(Box::new(stopped))), alone: Some(alone) })
    }

    /// Whether this process has the store.
    pub(in crate::cli) const fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// Asks for something. `None` if the bridge has ended meanwhile and another one runs now, or the store was given to
    /// a bridge: then it is to be asked again.
    ///
    /// # Errors
    /// If it is refused, or no bridge comes back.
    pub(in crate::cli) async fn ask<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<Option<T>> {
        if self.alone.as_ref().is_some_and(|alone| alone.yields.is_cancelled()) {
            self.give_back().await?;
            terminal::print("\nA bridge starts. The import continues through it.\n");
            self.wait_for_bridge().await?;
        }
        let Some(bridge) = &self.bridge else { bail!("no bridge runs") };
        let (status, text) = match bridge.request(method, path, body).await {
            Ok(response) => response,
            Err(error) if self.is_alone() => return Err(error),
            Err(_) => {
                terminal::print("\nThe bridge has ended. The import waits until it runs again.\n");
                self.wait_for_bridge().await?;
                return Ok(None);
            }
        };
        match status {
            StatusCode::OK => {
                Ok(Some(serde_json::from_slice(&text).context("the answer does not come from a bridge")?))
            }
            StatusCode::NOT_FOUND => bail!("the bridge does not know yet which account it serves: see its log"),
            status => Err(refused(status, &text)),
        }
    }

    async fn wait_for_bridge(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + BACK_WITHIN;
        while Instant::now() < deadline {
            sleep(LOOK_EVERY).await;
            if let Some(running) = connect(self.config)? {
                self.bridge = Some(Bridge::Running(running));
                return Ok(());
            }
        }
        bail!("no bridge has come back")
    }

    /// Closes the store, if this process has it.
    pub(in crate::cli) async fn give_back(&mut self) -> anyhow::Result<()> {
        // First the socket: a bridge that has the store has one of its own under the same name.
        self.alone = None;
        if let Some(Bridge::Stopped(stopped)) = self.bridge.take() {
            stopped.close(self.config).await?;
        }
        Ok(())
    }
}
