//! HTTPS without a web server in front: the certificate that the public listener itself shows.
//!
//! `pair` reads a certificate and its key, and `served` is what the listener asks for each client. `files` keeps that
//! in step with what lies on the disk, `acme` with what an authority signs.

mod acme;
mod files;
mod pair;
mod served;

use std::{convert::Infallible, path::Path, sync::Arc};

use tokio_util::sync::CancellationToken;

use self::{
    acme::{Renewal, kept},
    files::Files,
};
pub use self::{
    pair::{Pair, day},
    served::Served,
};
use crate::{config::ServerTls, metrics::Metrics};

/// What keeps the certificate of a listener in force. Clones share it.
#[derive(Clone, Debug)]
pub enum Keeper {
    Files(Files),
    Acme(Renewal),
}

impl Keeper {
    /// Begins with what there is at a start. What it keeps by itself is in `data_dir`.
    ///
    /// # Errors
    /// A sentence that says what cannot be used and what to do.
    pub fn open(tls: &ServerTls, data_dir: &Path, metrics: &Arc<Metrics>) -> Result<Self, String> {
        match tls {
            ServerTls::Files(files) => Files::open(files, metrics).map(Self::Files),
            ServerTls::Acme(acme) => Renewal::open(acme, data_dir, metrics).map(Self::Acme),
        }
    }

    /// What is in force.
    #[must_use]
    pub fn served(&self) -> &Served {
        match self {
            Self::Files(files) => files.served(),
            Self::Acme(renewal) => renewal.served(),
        }
    }

    /// Looks again at what somebody else renews.
    ///
    /// # Errors
    /// If it cannot be used. What was in force stays so.
    pub fn reread(&self) -> Result<(), String> {
        match self {
            Self::Files(files) => files.reread(),
            Self::Acme(_) => Ok(()),
        }
    }

    /// Keeps it until `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        match self {
            Self::Files(files) => files.run(stop).await,
            Self::Acme(renewal) => renewal.run(stop).await,
        }
    }
}

/// The certificate that a bridge would begin with, and why it has no better one, if that is known.
///
/// # Errors
/// A sentence that says what cannot be used and what to do.
pub fn look(tls: &ServerTls, data_dir: &Path) -> Result<(Option<Pair>, Option<String>), String> {
    match tls {
        ServerTls::Files(files) => Pair::read(files).map(|pair| (Some(pair), None)),
        ServerTls::Acme(acme) => kept(acme, data_dir),
    }
}
