//! Where the bridge listens.

use std::{
    net::{self, SocketAddr},
    path::Path,
    sync::Arc,
};

use anyhow::Context as _;
use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::{
    admin::socket::{self, CommandSocket},
    serve,
};

/// What the listener of the operator is called where it is handed over. One with any other name is the public one.
const ADMIN: &str = "admin";

/// Listeners that systemd has bound and keeps open while the bridge restarts, so that nobody is refused meanwhile.
#[derive(Debug, Default)]
pub struct InheritedListeners {
    public: Option<net::TcpListener>,
    admin: Option<net::TcpListener>,
}

impl InheritedListeners {
    /// Takes what was handed over to this process. It changes the environment: to be called before there are threads.
    ///
    /// # Errors
    /// If something else was handed over.
    pub fn take() -> anyhow::Result<Self> {
        let names: Vec<_> = sd_notify::listen_fds_with_names()
            .context("what was handed over cannot be read")?
            .map(|(_, name)| name)
            .collect();
        let (mut handed, mut this) = (ListenFd::from_env(), Self::default());
        for (at, name) in names.iter().enumerate() {
            let place = if name == ADMIN { &mut this.admin } else { &mut this.public };
            anyhow::ensure!(place.is_none(), "systemd hands two listeners over as {name:?}: keep one ListenStream");
            let taken = handed.take_tcp_listener(at);
            *place = taken.with_context(|| format!("what systemd hands over as {name:?} is no TCP listener"))?;
        }
        Ok(this)
    }

    /// The public listener, and that of the operator: what was handed over, and else what is bound at these addresses.
    pub(super) fn or_bound(self, public: SocketAddr, admin: SocketAddr) -> anyhow::Result<(TcpListener, TcpListener)> {
        let public = ours_or_bound(self.public, public, "server.listen")?;
        Ok((public, ours_or_bound(self.admin, admin, "admin.listen")?))
    }
}

fn ours_or_bound(handed: Option<net::TcpListener>, address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    let Some(listener) = handed else { return bind(address, key) };
    listener.set_nonblocking(true)?;
    let at = listener.local_addr()?;
    if at != address && address.port() != 0 {
        tracing::warn!("systemd hands over a listener at {at} in place of {key} ({address}): make both the same");
    }
    Ok(TcpListener::from_std(listener)?)
}

/// Listens at an address that a key names.
///
/// # Errors
/// If it cannot be had; the message names the key.
pub(super) fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    serve::listen(address).with_context(|| {
        format!("cannot listen on {address}: choose another address for `{key}`, or stop what is using this one")
    })
}

/// The socket by which commands are given. A bridge can do without, and says so.
pub(super) fn command_socket(data_dir: &Path) -> Option<Arc<CommandSocket>> {
    match CommandSocket::bind(data_dir) {
        Ok(socket) => Some(Arc::new(socket)),
        Err(error) => {
            let socket = socket::path(data_dir);
            tracing::warn!(socket = %socket.display(), %error, "commands cannot reach this bridge");
            None
        }
    }
}
