//! Name resolution whose errors say which name failed.

use std::io;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A name that could not be looked up.
#[derive(Debug, thiserror::Error)]
#[error("the name {name} cannot be looked up")]
pub(super) struct Unknown {
    pub(super) name: String,
    pub(super) why: io::Error,
}

#[derive(Clone, Copy, Debug)]
pub struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: Vec<_> = look_up(name.as_str()).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a name, with no port.
///
/// # Errors
/// If there is none.
pub(crate) async fn look_up(name: &str) -> Result<impl Iterator<Item = std::net::SocketAddr>, Unknown> {
    // An IPv6 address may be in brackets.
    let bare = name.trim_start_matches('[').trim_end_matches(']').to_owned();
    let addresses = tokio::net::lookup_host((bare.as_str(), 0)).await;
    let addresses = addresses.map_err(|why| Unknown { name: bare.clone(), why })?;
    Ok(addresses.collect::<Vec<_>>().into_iter())
}
