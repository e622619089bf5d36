//! The trusted certificate authorities: built-in ones, and those of this machine. The built-in ones make a bare
//! container work. Those of the machine serve private authorities and networks that inspect TLS: the system's store, or
//! what `SSL_CERT_FILE` and `SSL_CERT_DIR` name in its place, as for OpenSSL and curl. If a store is empty or broken,
//! only its own certificates are missing.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer, time_provider::TimeProvider};

/// Read once, when first needed: the store has hundreds of certificates.
struct Trust {
    tls: ClientConfig,
    roots: Arc<RootCertStore>,
    /// Authorities of this machine that can be parsed.
    own: Vec<CertificateDer<'static>>,
    complaints: Vec<String>,
}

/// How many complaints are shown. Hundreds usually have one cause.
const SHOWN: usize = 3;

/// TLS that trusts these authorities.
pub(super) fn tls() -> ClientConfig {
    trust().tls.clone()
}

/// Certificates of this machine that could not be read: sentences for the operator.
#[must_use]
pub fn complaints() -> Vec<String> {
    trust().complaints.clone()
}

/// The same with another clock.
pub(super) fn tls_ahead(clock: Arc<dyn TimeProvider>) -> ClientConfig {
    let config = ClientConfig::builder_with_details(Arc::new(ring::default_provider()), clock);
    let config = config.with_safe_default_protocol_versions().expect("the provider has ciphers for all versions");
    config.with_root_certificates(Arc::clone(&trust().roots)).with_no_client_auth()
}

/// The authorities of this machine, for a client that sets up TLS itself and has the built-in ones of `webpki-roots`.
#[must_use]
pub fn own_authorities() -> &'static [CertificateDer<'static>] {
    &trust().own
}

fn trust() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    TRUST.get_or_init(|| {
        let own = rustls_native_certs::load_native_certs();
        let errors = own.errors.iter().map(ToString::to_string).collect();
        let is_readable = |own: &CertificateDer<'static>| RootCertStore::empty().add(own.clone()).is_ok();
        let readable = own.certs.iter().filter(|own| is_readable(own)).cloned().collect();
        let (roots, complaints) = roots(own.certs, errors);
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("the provider has ciphers for all versions");
        let roots = Arc::new(roots);
        let tls = config.with_root_certificates(Arc::clone(&roots)).with_no_client_auth();
        Trust { tls, roots, own: readable, complaints }
    })
}

/// The built-in authorities and `own`, which may be anything.
fn roots(own: Vec<CertificateDer<'static>>, mut errors: Vec<String>) -> (RootCertStore, Vec<String>) {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let (added, ignored) = roots.add_parsable_certificates(own);
    tracing::debug!(added, ignored, "trusted certificates of this machine");
    if ignored > 0 && added == 0 {
        errors.push("no certificate in them can be read".to_owned());
    }
    let more = errors.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("and {more} more"));
    let shown: Vec<_> = errors.into_iter().take(SHOWN).chain(more).collect();
    let complaint = (!shown.is_empty()).then(|| {
        format!(
            "not all trusted certificates of this machine can be read: {}. Check SSL_CERT_FILE and SSL_CERT_DIR, or \
             the system's store; the built-in ones are trusted all the same",
            shown.join("; ")
        )
    });
    (roots, complaint.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_authority_joins_those_that_are_built_in() {
        let built_in = roots(Vec::new(), Vec::new());
        assert!(built_in.0.len() > 100 && built_in.1.is_empty(), "{:?}", built_in.1);
        let own = rcgen::generate_simple_self_signed(["ca.test".to_owned()]).unwrap().cert.der().clone();
        let (both, complaints) = roots(vec![own], Vec::new());
        assert_eq!((both.len(), complaints), (built_in.0.len() + 1, Vec::new()));
    }

    #[test]
    fn a_broken_store_costs_its_own_certificates_alone() {
        let junk = CertificateDer::from(vec![1, 2, 3]);
        let (left, complaints) = roots(vec![junk], vec!["a".to_owned(); 5]);
        assert_eq!(left.len(), webpki_roots::TLS_SERVER_ROOTS.len());
        assert_eq!(complaints.len(), 1);
        let complaint = &complaints[0];
        assert!(complaint.contains("a; a; a; and 3 more") && complaint.contains("SSL_CERT_FILE"), "{complaint}");
    }
}
