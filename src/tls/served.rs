//! The certificate that a listener presents. It can be replaced while connections are open.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::{
    ServerConfig,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::tls::pair::{Pair, provider};

/// The application protocol of clients (ALPN).
const HTTP: &[u8] = b"http/1.1";
/// The application protocol of an authority that validates a name (RFC 8737).
const ACME_TLS: &[u8] = b"acme-tls/1";

/// The certificate in force. Open connections keep the one that they began with. Clones share it.
#[derive(Clone, Debug)]
pub struct Served {
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Current {
    pair: RwLock<Option<Arc<Pair>>>,
    /// The challenge certificate, while an authority validates the name.
    challenge: RwLock<Option<Arc<CertifiedKey>>>,
}

impl Current {
    fn pair(&self) -> Option<Arc<Pair>> {
        self.pair.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.pair()?.certified))
    }
}

impl Served {
    /// Presents a certificate; without one, every handshake fails.
    #[must_use]
    pub fn new(pair: Option<Pair>) -> Self {
        let current = Arc::new(Current { pair: RwLock::new(pair.map(Arc::new)), challenge: RwLock::default() });
        let config = config(Arc::clone(&current) as _, HTTP);
        Self { current, config: Arc::new(config) }
    }

    /// Puts another certificate into force for new connections.
    pub fn put(&self, pair: Pair) {
        *self.current.pair.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(pair));
    }

    /// The certificate in force, if there is one.
    #[must_use]
    pub fn pair(&self) -> Option<Arc<Pair>> {
        self.current.pair()
    }

    /// Presents this certificate to authorities that validate the name; `None` ends that.
    pub(super) fn set_challenge(&self, challenge: Option<Arc<CertifiedKey>>) {
        *self.current.challenge.write().unwrap_or_else(PoisonError::into_inner) = challenge;
    }

    /// The TLS configuration for clients.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The TLS configuration for an authority that validates the name, if the client is one and a challenge is pending.
    pub(crate) fn challenge_config(&self, hello: &ClientHello<'_>) -> Option<Arc<ServerConfig>> {
        if !hello.alpn()?.eq([ACME_TLS]) {
            return None;
        }
        let challenge = self.current.challenge.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(Arc::new(config(Arc::new(Fixed(challenge)), ACME_TLS)))
    }
}

/// Presents one certificate.
#[derive(Debug)]
struct Fixed(Arc<CertifiedKey>);

impl ResolvesServerCert for Fixed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn config(resolver: Arc<dyn ResolvesServerCert>, protocol: &[u8]) -> ServerConfig {
    let config = ServerConfig::builder_with_provider(Arc::new(provider()));
    let config = config.with_safe_default_protocol_versions().expect("the provider has ciphers for all versions");
    let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![protocol.to_vec()];
    config
}
