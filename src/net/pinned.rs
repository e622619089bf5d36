//! Certificate pinning: for a server whose certificate is known beforehand, such as a self-signed one.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};

/// TLS that accepts only this certificate (PEM), or one that it has signed.
///
/// # Errors
/// If `pem` is no certificate.
pub(super) fn tls(pem: &str) -> Result<ClientConfig, Error> {
    let broken = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
    let expected = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(broken)?;
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    // A certificate that is no authority is only compared.
    let signer = roots.add(expected.clone()).is_ok().then(|| {
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        verifier.build().ok()
    });
    let verifier = Pinned { expected, signer: signer.flatten(), provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(config.with_no_client_auth())
}

/// Whether a text is a certificate (PEM).
#[must_use]
pub fn is_certificate(pem: &str) -> bool {
    tls(pem).is_ok()
}

/// Accepts one certificate. The server still has to prove that it has the key.
#[derive(Debug)]
struct Pinned {
    expected: CertificateDer<'static>,
    signer: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        presented: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if presented.as_ref() == self.expected.as_ref() {
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = || Error::InvalidCertificate(CertificateError::UnknownIssuer);
        self.signer.as_ref().ok_or_else(unknown)?.verify_server_cert(presented, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        presented: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, presented, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        presented: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, presented, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
