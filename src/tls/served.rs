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
/// What an authority speaks that looks for a proof of a name (RFC 8737).
const PROOF: &[u8] = b"acme-tls/1";

/// The certificate in force. Connections that are open keep the one that they began with. Clones share it.
#[derive(Clone, Debug)]
pub struct Served {
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Current {
    pair: RwLock<Option<Arc<Pair>>>,
    /// What proves to an authority that a name leads here, while one asks.
    proof: RwLock<Option<Arc<CertifiedKey>>>,
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
    /// Shows a certificate; without one, it refuses everybody.
    #[must_use]
    pub fn new(pair: Option<Pair>) -> Self {
        let current = Arc::new(Current { pair: RwLock::new(pair.map(Arc::new)), proof: RwLock::default() });
        let config = config(Arc::clone(&current) as _, HTTP);
        Self { current, config: Arc::new(config) }
    }

    /// Puts another certificate in force for whoever connects from now on.
    pub fn put(&self, pair: Pair) {
        *self.current.pair.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(pair));
    }

    /// The certificate in force, if there is one.
    #[must_use]
    pub fn pair(&self) -> Option<Arc<Pair>> {
        self.current.pair()
    }

    /// Shows this to authorities that look for a proof, or nothing any more.
    pub(super) fn prove(&self, proof: Option<Arc<CertifiedKey>>) {
        *self.current.proof.write().unwrap_or_else(PoisonError::into_inner) = proof;
    }

    /// How TLS is spoken with a client.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The same with an authority that looks for a proof, if the client is one and there is something to be proved.
    pub(crate) fn proving(&self, hello: &ClientHello<'_>) -> Option<Arc<ServerConfig>> {
        if !hello.alpn()?.eq([PROOF]) {
            return None;
        }
        let proof = self.current.proof.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(Arc::new(config(Arc::new(Proof(proof)), PROOF)))
    }
}

/// Shows one thing.
#[derive(Debug)]
struct Proof(Arc<CertifiedKey>);

impl ResolvesServerCert for Proof {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn config(shown: Arc<dyn ResolvesServerCert>, protocol: &[u8]) -> ServerConfig {
    let config = ServerConfig::builder_with_provider(Arc::new(provider()));
    let config = config.with_safe_default_protocol_versions().expect("the provider has ciphers for all versions");
    let mut config = config.with_no_client_auth().with_cert_resolver(shown);
    config.alpn_protocols = vec![protocol.to_vec()];
    config
}
