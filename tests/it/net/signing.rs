//! What an authority signs for bridges, and who trusts it.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use rcgen::{CertificateParams, CertificateSigningRequestParams, KeyPair};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use tokio_rustls::TlsConnector;

use super::pki::Authority;

impl Authority {
    /// Writes a certificate of this kind and its key to two files, and returns the certificate.
    pub(crate) fn put(&self, params: &CertificateParams, certificate: &Path, key: &Path) -> CertificateDer<'static> {
        let pair = KeyPair::generate().unwrap();
        let signed = params.signed_by(&pair, &self.issuer).unwrap();
        std::fs::write(key, pair.serialize_pem()).unwrap();
        std::fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
        std::fs::write(certificate, signed.pem()).unwrap();
        signed.der().clone()
    }

    /// A certificate for who has asked for one, with this authority's own behind it, as PEM.
    pub(crate) fn signed(&self, request: &CertificateSigningRequestParams) -> String {
        format!("{}{}", request.signed_by(&self.issuer).unwrap().pem(), self.certificate.pem())
    }

    /// A client that trusts it, and offers these protocols.
    pub(crate) fn connector(&self, offered: &[&str]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }
}
