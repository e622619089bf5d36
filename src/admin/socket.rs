//! The socket of the commands: a file in the data directory, by which they talk to the running bridge.
//!
//! Whoever has the store has the socket. So a socket that is there when a bridge has opened the store was left by a
//! crash, and is replaced.

use std::{
    convert::Infallible,
    fs::{self, File, Permissions},
    io,
    os::{
        fd::AsRawFd as _,
        unix::{
            fs::{FileTypeExt as _, PermissionsExt as _},
            net,
        },
    },
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{Router, serve::Listener};
use reqwest::Client;
use rustix::process::geteuid;
use tokio::{
    net::{UnixListener, UnixStream},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{admin::OURS, files::people};

/// The file's name in the data directory.
const NAME: &str = "telekommo.sock";
/// Only the bridge's own user may open it; root may anyway.
const MODE: u32 = 0o600;
/// Where a command that has the store is asked to give it back.
pub(crate) const YIELD: &str = "/store/yield";
/// How long it may take to answer.
const YIELDED_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long what has been asked may take once a stop was asked for.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Where the socket of a data directory is.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// A name of the socket that is short, wherever the data directory is: the system takes 107 characters.
#[derive(Debug)]
pub struct ShortName {
    path: PathBuf,
    /// The name is good for as long as this is open.
    _dir: File,
}

impl ShortName {
    /// The name of the socket in the data directory `dir`, whether there is one or not.
    pub fn within(dir: &Path) -> io::Result<Self> {
        let dir = File::open(dir)?;
        Ok(Self { path: Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string()).join(NAME), _dir: dir })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Asks whoever has the store of the data directory `dir` to give it back. Returns whether they will: a command that
/// takes long does, a bridge does not.
pub async fn ask_for_store(dir: &Path) -> bool {
    let Ok(name) = ShortName::within(dir) else { return false };
    let client = Client::builder().unix_socket(name.path()).no_proxy().timeout(YIELDED_WITHIN).build();
    let Ok(client) = client else { return false };
    let asked = client.post(format!("http://localhost{YIELD}")).header(OURS, "1").send().await;
    asked.is_ok_and(|answer| answer.status().is_success())
}

/// The socket of a running bridge.
#[derive(Debug)]
pub struct CommandSocket {
    listener: net::UnixListener,
    name: ShortName,
}

impl CommandSocket {
    /// Makes the socket of the data directory `dir`, whose store the caller has opened.
    ///
    /// # Errors
    /// If it cannot be made, or something else has its name.
    pub fn bind(dir: &Path) -> io::Result<Self> {
        let name = ShortName::within(dir)?;
        match fs::symlink_metadata(name.path()) {
            Ok(there) if there.file_type().is_socket() => fs::remove_file(name.path())?,
            Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there and is no socket")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = net::UnixListener::bind(name.path())?;
        fs::set_permissions(name.path(), Permissions::from_mode(MODE))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, name })
    }

    /// Serves `router` to commands of this user and of root until `stop`, then finishes what has been asked.
    ///
    /// # Errors
    /// If the socket cannot be listened to.
    pub fn serve(
        &self,
        router: Router,
        stop: CancellationToken,
    ) -> io::Result<impl Future<Output = Result<(), Infallible>> + Send + use<>> {
        let listener = OfOurs(UnixListener::from_std(self.listener.try_clone()?)?);
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        Ok(async move {
            let too_long = async {
                stop.cancelled().await;
                sleep(LAST_ANSWERS_WITHIN).await;
            };
            tokio::select! {
                _ = served.into_future() => {}
                () = too_long => {}
            }
            Ok(())
        })
    }
}

impl Drop for CommandSocket {
    fn drop(&mut self) {
        // The next bridge replaces one that stays.
        let _ = fs::remove_file(self.name.path());
    }
}

/// Accepts connections of this user and of root. The file's mode already keeps others out, for as long as nobody
/// changes it.
struct OfOurs(UnixListener);

impl Listener for OfOurs {
    type Io = UnixStream;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) if is_ours(&stream) => return (stream, ()),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "no command can be heard");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(())
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == 0 || peer.uid() == geteuid().as_raw() => true,
        Ok(peer) => {
            tracing::warn!(user = people::user(peer.uid()), "another user tried to give the bridge a command");
            false
        }
        Err(error) => {
            tracing::warn!(%error, "the system does not say who gives a command");
            false
        }
    }
}
