//! What a listener shows its clients, which can be exchanged while connections are open.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::{
    ServerConfig,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::tls::pair::{Pair, provider};

/// What a listener speaks beneath TLS.
const HTTP: &[u8] = b"http/1.1";

/// The certificate in force. Connections that are open keep the one that they began with. Clones share it.
#[derive(Clone, Debug)]
pub struct Served {
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Current(RwLock<Arc<Pair>>);

impl Current {
    fn pair(&self) -> Arc<Pair> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.pair().certified))
    }
}

impl Served {
    #[must_use]
    pub fn new(pair: Pair) -> Self {
        let current = Arc::new(Current(RwLock::new(Arc::new(pair))));
        let config = ServerConfig::builder_with_provider(Arc::new(provider()));
        let config = config.with_safe_default_protocol_versions().expect("the provider has ciphers for all versions");
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::clone(&current) as _);
        config.alpn_protocols = vec![HTTP.to_vec()];
        Self { current, config: Arc::new(config) }
    }

    /// Puts another certificate in force for whoever connects from now on.
    pub fn put(&self, pair: Pair) {
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
    }

    /// The certificate in force.
    #[must_use]
    pub fn pair(&self) -> Arc<Pair> {
        self.current.pair()
    }

    /// How TLS is spoken with a client.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}
