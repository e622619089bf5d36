//! Talks to the owner of the store: the running bridge, over its socket; or, if none runs, this process, which opens
//! the store. Both use the same router.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::{fs::MetadataExt as _, net::UnixStream},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, header},
};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use reqwest::{Client, ClientBuilder, Method, Response, StatusCode};
use tokio::task::spawn_blocking;

use crate::{
    admin::{
        self, OURS, dumping, former_imports, history, identity,
        session::Sessions,
        socket::{self, ShortName},
    },
    alerts::health::Health,
    app,
    cli::{private, terminal},
    config::Config,
    domain::address::{BotId, SourceId},
    files::people,
    metrics::Expected,
    store::{self, Store, StoreError, data_dir},
    trace::Trace,
};

mod importing;

pub(super) use importing::{Importing, is_there};

/// Time limit of requests that read.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit of requests that change something: they may wait for a dump that is being written.
pub(super) const CHANGE_TIMEOUT: Duration = Duration::from_mins(30);
/// How often to try to reach the owner of the store: it may be starting or stopping.
const ATTEMPTS: usize = 5;

/// The error if no bridge runs.
const NONE_RUNS: &str = "no bridge runs with this configuration";

/// The owner of the store.
pub(super) enum Bridge {
    Running(Running),
    Stopped(Box<Stopped>),
}

/// A running bridge.
pub(super) struct Running(ShortName);

/// The store of a stopped bridge.
pub(super) struct Stopped {
    store: Store,
    router: Router,
}

/// Does `work` with the owner of the store.
///
/// # Errors
/// Those of `work`; or if there is no store, or it cannot be opened.
pub(super) async fn with<T>(
    config: &Config,
    work: impl AsyncFnOnce(&Bridge) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let bridge = find(config).await?;
    let result = work(&bridge).await;
    if let Bridge::Stopped(stopped) = bridge {
        stopped.close(config).await?;
    }
    result
}

/// The bridge that runs with this configuration.
///
/// # Errors
/// If none runs, or this user may not ask it.
pub(super) fn running(config: &Config) -> anyhow::Result<Running> {
    connect(config)?.with_context(|| format!("{NONE_RUNS}: data_dir is {}", config.data_dir.display()))
}

async fn find(config: &Config) -> anyhow::Result<Bridge> {
    for _ in 1..ATTEMPTS {
        if let Some(bridge) = connect(config)? {
            return Ok(Bridge::Running(bridge));
        }
        match open(config, false).await? {
            Ok(stopped) => return Ok(Bridge::Stopped(Box::new(stopped))),
            // Opening it has already waited for a while.
            Err(StoreError::Locked(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let socket = socket::path(&config.data_dir);
    bail!(
        "another telekommo has the store open, and does not answer on {}: is it starting? Try again",
        socket.display()
    )
}

/// The bridge whose socket answers, if there is one.
///
/// # Errors
/// If this user may not ask it.
pub(super) fn connect(config: &Config) -> anyhow::Result<Option<Running>> {
    let name = match ShortName::within(&config.data_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        name => name.map_err(|error| denied(config, &error))?,
    };
    match UnixStream::connect(name.path()) {
        Ok(_) => Ok(Some(Running(name))),
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused].contains(&error.kind()) => Ok(None),
        Err(error) => Err(denied(config, &error)),
    }
}

fn denied(config: &Config, error: &io::Error) -> anyhow::Error {
    let dir = config.data_dir.as_path();
    let owner = fs::metadata(dir).map(|dir| dir.uid()).ok();
    let owner = owner.map_or_else(|| "the user that telekommo runs as".to_owned(), people::user);
    anyhow::anyhow!("{} cannot be read ({error}): run this as {owner}, or with sudo", dir.display())
}

/// Opens the store. Creates one if it `may_be_new`.
async fn open(config: &Config, may_be_new: bool) -> anyhow::Result<Result<Stopped, StoreError>> {
    let dir = config.data_dir.display();
    let is_there = may_be_new || store::is_in(&config.data_dir);
    anyhow::ensure!(is_there, "{NONE_RUNS}, and there is no store in {dir}");
    private::private_files();
    let settings = app::store_settings(config);
    let store = match spawn_blocking(move || Store::open(settings)).await? {
        Ok(store) => store,
        Err(error) => return Ok(Err(error)),
    };
    let scope = identity::remembered(&config.kommo, &store)?.map(|account| config.kommo.scope_id(&account));
    former_imports::take_over(&config.data_dir, &store).await?;
    let imported = store.imports(scope.as_deref().unwrap_or_default());
    let (bots, trace) = (bots(config), Trace::of_stopped(app::trace_settings(config)));
    let health = Arc::new(Health::new(config, store.clone(), Arc::default(), Expected::default()));
    let routers = admin::routers(health, (bots, imported.clone(), trace), Arc::new(Sessions::new(config.admin.listen)));
    let dumped = dumping::router(store.clone(), config);
    let router = routers.commands.merge(history::router(store.clone(), imported)).merge(dumped);
    Ok(Ok(Stopped { store, router }))
}

impl Bridge {
    /// Prints a hint if no bridge runs.
    pub(super) fn note_if_stopped(&self) {
        if matches!(self, Self::Stopped(_)) {
            terminal::eprint("No bridge runs. This is what its store says.\n");
        }
    }

    /// Sends a GET request.
    ///
    /// # Errors
    /// If it is refused. `missing` is the error for 404.
    pub(super) async fn ask(&self, path: &str, missing: &str) -> anyhow::Result<Bytes> {
        self.answer(Method::GET, path, missing).await
    }

    /// Sends a POST request.
    pub(super) async fn change(&self, path: &str, missing: &str) -> anyhow::Result<Bytes> {
        self.answer(Method::POST, path, missing).await
    }

    /// What prevents the running bridge from sending, from `/ready`.
    pub(super) async fn obstacles(&self) -> anyhow::Result<Vec<String>> {
        let Self::Running(_) = self else { return Ok(Vec::new()) };
        let (status, text) = self.request(Method::GET, "/ready", Vec::new()).await?;
        let lines = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
        Ok(if status == StatusCode::SERVICE_UNAVAILABLE { lines } else { Vec::new() })
    }

    async fn answer(&self, method: Method, path: &str, missing: &str) -> anyhow::Result<Bytes> {
        let (status, text) = self.request(method, path, Vec::new()).await?;
        match status {
            status if status.is_success() => Ok(text),
            StatusCode::NOT_FOUND => bail!("{missing}"),
            status => Err(refused(status, &text)),
        }
    }

    async fn request(&self, method: Method, path: &str, body: Vec<u8>) -> anyhow::Result<(StatusCode, Bytes)> {
        match self {
            Self::Running(running) => {
                let timeout = if method == Method::GET { READ_TIMEOUT } else { CHANGE_TIMEOUT };
                let answer = running.send_with(method, path, body, |client| client.timeout(timeout)).await?;
                Ok((answer.status(), answer.bytes().await.context("the bridge ended while it answered")?))
            }
            Self::Stopped(stopped) => stopped.answer(method, path, body).await,
        }
    }
}

/// The error for a refused request.
pub(super) fn refused(status: StatusCode, text: &[u8]) -> anyhow::Error {
    anyhow::anyhow!("the bridge answered {status}: {}", String::from_utf8_lossy(text).trim())
}

impl Running {
    /// Sends a request with a client that `set` configures.
    ///
    /// # Errors
    /// If the bridge does not answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        set: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> anyhow::Result<Response> {
        self.send_with(method, path, Vec::new(), set).await
    }

    async fn send_with(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        set: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> anyhow::Result<Response> {
        let client = set(Client::builder().unix_socket(self.0.path()).no_proxy()).build()?;
        let request = client.request(method, format!("http://localhost{path}")).header(OURS, "1").body(body);
        request.send().await.map_err(|error| {
            if error.is_timeout() {
                return anyhow::anyhow!("the bridge is busy, with a dump perhaps: try again");
            }
            anyhow::anyhow!("the bridge ended, or does not accept commands of this user: its log says which")
        })
    }
}

impl Stopped {
    /// Closes the store, and gives files that root has written to the service's user.
    async fn close(self, config: &Config) -> anyhow::Result<()> {
        self.store.close().await?;
        data_dir::give_back(&config.data_dir).context("giving the store back to its owner")
    }

    async fn answer(&self, method: Method, path: &str, body: Vec<u8>) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost").header(OURS, "1");
        let response = TowerToHyperService::new(self.router.clone()).call(request.body(Body::from(body))?).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

fn bots(config: &Config) -> BTreeMap<SourceId, BotId> {
    config.sources.iter().map(|(source, settings)| (source.clone(), settings.token.bot_id())).collect()
}
