//! Refuses connections to private addresses.
//!
//! A name may resolve to one address for a check and to another for the connection. So each connection resolves a name
//! once, checks the addresses, and connects to those.

use std::{net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{
    kommo::media::hosts::{Hosts, normalized},
    net::is_public,
};

/// A name that leads to no public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name leads into a private network")]
pub(super) struct PrivateAddress;

/// A resolver that leaves out private addresses.
pub(super) struct Checked<R> {
    /// The hosts that may be in a private network.
    pub(super) hosts: Arc<Hosts>,
    /// The hosts of proxies, which the operator has configured as well.
    pub(super) proxies: Vec<String>,
    /// The inner resolver.
    pub(super) names: R,
}

impl<R: Resolve> Resolve for Checked<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let host = normalized(name.as_str());
        let is_proxy = self.proxies.iter().any(|proxy| normalized(proxy) == host);
        let (trusted, found) = (is_proxy || self.hosts.is_trusted(&host), self.names.resolve(name));
        Box::pin(async move {
            let usable = usable(found.await?, trusted)?;
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

fn usable(found: impl Iterator<Item = SocketAddr>, trusted: bool) -> Result<Vec<SocketAddr>, PrivateAddress> {
    let usable: Vec<_> = found.filter(|address| trusted || is_public(address.ip())).collect();
    if usable.is_empty() { Err(PrivateAddress) } else { Ok(usable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_left_out_unless_trusted() {
        let (inside, outside) = ("10.0.0.1:0".parse().unwrap(), "8.8.8.8:0".parse().unwrap());
        let both = || [inside, outside].into_iter();
        assert_eq!(usable(both(), false), Ok(vec![outside]));
        assert_eq!(usable(both(), true), Ok(vec![inside, outside]));
        assert_eq!(usable(std::iter::once(inside), false), Err(PrivateAddress));
    }
}
