//! HTTPS without a web server in front: the certificate of the public listener. `pair` reads a certificate and its key,
//! and `served` is the one that the listener presents. `files` keeps it in sync with files on the disk, `acme` obtains
//! it from an authority.

mod acme;
mod files;
mod pair;
mod served;

use std::{convert::Infallible, path::Path, sync::Arc};

use tokio_util::sync::CancellationToken;

use self::{
    acme::{Renewal, inspect_stored},
    files::Files,
};
pub use self::{
    pair::{Pair, day},
    served::Served,
};
use crate::{config::ServerTls, metrics::Metrics};

/// Keeps the certificate of a listener current. Clones share it.
#[derive(Clone, Debug)]
pub enum Keeper {
    Files(Files),
    Acme(Renewal),
}

impl Keeper {
    /// Opens the certificate at a start. ACME keeps its own files in `data_dir`.
    ///
    /// # Errors
    /// A sentence that says what cannot be used and what to do.
    pub fn open(tls: &ServerTls, data_dir: &Path, metrics: &Arc<Metrics>) -> Result<Self, String> {
        match tls {
            ServerTls::Files(files) => Files::open(files, metrics).map(Self::Files),
            ServerTls::Acme(acme) => Renewal::open(acme, data_dir, metrics).map(Self::Acme),
        }
    }

    /// The certificate in force.
    #[must_use]
    pub fn served(&self) -> &Served {
        match self {
            Self::Files(files) => files.served(),
            Self::Acme(renewal) => renewal.served(),
        }
    }

    /// Reads files again that another program renews.
    ///
    /// # Errors
    /// If they cannot be used. The previous certificate stays in force.
    pub fn reread(&self) -> Result<(), String> {
        match self {
            Self::Files(files) => files.reread(),
            Self::Acme(_) => Ok(()),
        }
    }

    /// Renews it until `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        match self {
            Self::Files(files) => files.run(stop).await,
            Self::Acme(renewal) => renewal.run(stop).await,
        }
    }
}

/// The certificate that a bridge would start with, and why obtaining another one failed, if it did.
///
/// # Errors
/// A sentence that says what cannot be used and what to do.
pub fn inspect(tls: &ServerTls, data_dir: &Path) -> Result<(Option<Pair>, Option<String>), String> {
    match tls {
        ServerTls::Files(files) => Pair::read(files).map(|pair| (Some(pair), None)),
        ServerTls::Acme(acme) => inspect_stored(acme, data_dir),
    }
}
