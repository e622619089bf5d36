//! Where the bridge listens.

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::{
    admin::socket::{self, CommandSocket},
    serve,
};

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
