//! An authority of the tests' own, and certificates by it.

use std::{path::Path, sync::Arc};

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::TlsAcceptor;

/// An authority that no machine knows.
pub(crate) struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: Certificate,
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    Nothing,
    Expired,
    NotYet,
    OtherName,
    /// It is the authority's own.
    Authority,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Writes its certificate to a file, for `SSL_CERT_FILE`.
    pub(crate) fn write(&self, file: &Path) {
        std::fs::write(file, self.certificate.pem()).unwrap();
    }

    /// What lets a server on this machine speak TLS with a certificate by this authority.
    pub(crate) fn acceptor(&self, flaw: Flaw) -> TlsAcceptor {
        let name = if flaw == Flaw::OtherName { "other.test" } else { "127.0.0.1" };
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        match flaw {
            Flaw::Expired => params.not_after = date_time_ymd(2020, 1, 1),
            Flaw::NotYet => params.not_before = date_time_ymd(4000, 1, 1),
            Flaw::Nothing | Flaw::OtherName | Flaw::Authority => {}
        }
        if flaw == Flaw::Authority {
            return acceptor(self.issuer.key(), &self.certificate);
        }
        self.acceptor_with(&params)
    }

    /// The same with a certificate of this kind.
    pub(crate) fn acceptor_with(&self, params: &CertificateParams) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        acceptor(&key, &certificate)
    }
}

fn acceptor(key: &KeyPair, certificate: &Certificate) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}
