//! The command socket: a file in the data directory, by which commands talk to the running bridge. The process that has
//! the store open owns the socket. A socket that is still there when a bridge has opened the store was left by a crash,
//! and is replaced.

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
/// Only the bridge's own user may open it, and root.
const MODE: u32 = 0o600;
/// The path by which a command that has the store open is asked to give it back.
pub(crate) const YIELD: &str = "/store/yield";
/// Time limit of that request.
const YIELD_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long requests under way may take after a stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// Where the socket of a data directory is.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// A short name of the socket, wherever the data directory is: the system takes 107 characters.
#[derive(Debug)]
pub struct ShortName {
    path: PathBuf,
    /// The name is valid as long as this is open.
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

/// Asks the process that has the store of the data directory `dir` open to give it back. Returns whether it will: a
/// long-running command does, a bridge does not.
pub async fn ask_for_store(dir: &Path) -> bool {
    let Ok(name) = ShortName::within(dir) else { return false };
    let client = Client::builder().unix_socket(name.path()).no_proxy().timeout(YIELD_TIMEOUT).build();
    let Ok(client) = client else { return false };
    let response = client.post(format!("http://localhost{YIELD}")).header(OURS, "1").send().await;
    response.is_ok_and(|response| response.status().is_success())
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
            Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(name.path())?,
            Ok(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "a file with this name exists and is no socket",
                ));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = net::UnixListener::bind(name.path())?;
        fs::set_permissions(name.path(), Permissions::from_mode(MODE))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, name })
    }

    /// Serves `router` to commands of this user and of root until `stop`, then finishes the requests under way.
    ///
    /// # Errors
    /// If the socket cannot be listened to.
    pub fn serve(
        &self,
        router: Router,
        stop: CancellationToken,
    ) -> io::Result<impl Future<Output = Result<(), Infallible>> + Send + use<>> {
        let listener = OwnUsersListener(UnixListener::from_std(self.listener.try_clone()?)?);
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        Ok(async move {
            let too_long = async {
                stop.cancelled().await;
                sleep(SHUTDOWN_GRACE).await;
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
        // The next bridge replaces a socket that stays.
        let _ = fs::remove_file(self.name.path());
    }
}

/// Accepts connections of this user and of root. The file's mode keeps others out already, unless somebody changes it.
struct OwnUsersListener(UnixListener);

impl Listener for OwnUsersListener {
    type Io = UnixStream;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) if is_ours(&stream) => return (stream, ()),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a command could not be accepted");
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
            tracing::warn!(user = people::user(peer.uid()), "refused a command of another user");
            false
        }
        Err(error) => {
            tracing::warn!(%error, "refused a command: the system does not say whose it is");
            false
        }
    }
}
