//! Binds or inherits the listeners.

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

/// The name of an inherited admin listener. One with any other name is the public one.
const ADMIN: &str = "admin";

/// Listeners that systemd has bound and keeps open while the bridge restarts, so that no connection is refused
/// meanwhile.
#[derive(Debug, Default)]
pub struct InheritedListeners {
    public: Option<net::TcpListener>,
    admin: Option<net::TcpListener>,
}

impl InheritedListeners {
    /// Takes the listeners that this process has inherited. This changes the environment, so call it before there are
    /// threads.
    ///
    /// # Errors
    /// If something else was inherited.
    pub fn take() -> anyhow::Result<Self> {
        let names: Vec<_> = sd_notify::listen_fds_with_names()
            .context("inherited listeners cannot be read")?
            .map(|(_, name)| name)
            .collect();
        let (mut inherited, mut this) = (ListenFd::from_env(), Self::default());
        for (at, name) in names.iter().enumerate() {
            let place = if name == ADMIN { &mut this.admin } else { &mut this.public };
            anyhow::ensure!(place.is_none(), "systemd passes two listeners as {name:?}: keep one ListenStream");
            let listener = inherited.take_tcp_listener(at);
            *place = listener.with_context(|| format!("systemd passes {name:?}, which is no TCP listener"))?;
        }
        Ok(this)
    }

    /// The public and the admin listener: inherited, or else bound at these addresses.
    pub(super) fn or_bound(self, public: SocketAddr, admin: SocketAddr) -> anyhow::Result<(TcpListener, TcpListener)> {
        let public = inherited_or_bound(self.public, public, "server.listen")?;
        Ok((public, inherited_or_bound(self.admin, admin, "admin.listen")?))
    }
}

fn inherited_or_bound(
    inherited: Option<net::TcpListener>,
    address: SocketAddr,
    key: &str,
) -> anyhow::Result<TcpListener> {
    let Some(listener) = inherited else { return bind(address, key) };
    listener.set_nonblocking(true)?;
    let at = listener.local_addr()?;
    if at != address && address.port() != 0 {
        tracing::warn!("systemd passes a listener at {at} in place of {key} ({address}): make both the same");
    }
    Ok(TcpListener::from_std(listener)?)
}

/// Listens at an address that a key names.
///
/// # Errors
/// If it cannot be bound; the message names the key.
pub(super) fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    serve::listen(address).with_context(|| {
        format!("cannot listen on {address}: choose another address for `{key}`, or stop what is using this one")
    })
}

/// The command socket. Without it the bridge only logs a warning.
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
