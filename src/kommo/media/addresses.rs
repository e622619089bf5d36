//! Which addresses may be connected to.
//!
//! A name may mean one address when it is checked, and another when it is connected to. So each connection looks a name
//! up once, checks the addresses, and connects to those.

use std::{net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{
    kommo::media::hosts::{Hosts, plain},
    net::is_public,
};

/// A name that leads to no public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name leads into a private network")]
pub(super) struct PrivateAddress;

/// Looks up names, and forgets the addresses that must not be connected to.
pub(super) struct Checked<R> {
    /// What the operator believes may be in a private network.
    pub(super) hosts: Arc<Hosts>,
    /// The hosts of proxies on the way, which the operator has named as well.
    pub(super) proxies: Vec<String>,
    /// What the names mean.
    pub(super) names: R,
}

impl<R: Resolve> Resolve for Checked<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let host = plain(name.as_str());
        let is_proxy = self.proxies.iter().any(|proxy| plain(proxy) == host);
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
    fn a_name_gives_only_the_addresses_that_may_be_connected_to() {
        let (inside, outside) = ("10.0.0.1:0".parse().unwrap(), "8.8.8.8:0".parse().unwrap());
        let both = || [inside, outside].into_iter();
        assert_eq!(usable(both(), false), Ok(vec![outside]));
        assert_eq!(usable(both(), true), Ok(vec![inside, outside]));
        assert_eq!(usable(std::iter::once(inside), false), Err(PrivateAddress));
    }
}
