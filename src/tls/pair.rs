//! A certificate and its key. Nothing here parses certificates. The verifier checks the certificate in the distant
//! future, in the distant past and for another name, and its errors say when it ends, when it begins, and which names
//! it has.

use std::{
    fs, io,
    net::IpAddr,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use chrono::DateTime;
use rustls::{
    CertificateError, Error, InconsistentKeys, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier, verify_server_name},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use crate::{config::PairFiles, domain::time::UnixMillis, files::denied, net};

/// The largest file. Certificate chains have a few kilobytes.
const LIMIT_BYTES: u64 = 256 * 1024;
/// Later than the end of any certificate.
const DISTANT_SECONDS: u64 = 1 << 40;

/// A certificate chain and its key.
#[derive(Debug)]
pub struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    names: Vec<String>,
    begins_at: UnixMillis,
    ends_at: UnixMillis,
}

impl Pair {
    /// Reads both files.
    ///
    /// # Errors
    /// A sentence that names the key of the configuration, the file and the remedy.
    pub fn read(tls: &PairFiles) -> Result<Self, String> {
        let of_certificate = |why: String| format!("server.tls.certificate: {why}");
        let of_key = |why: String| format!("server.tls.key: {why}");
        let chain = chain(&tls.certificate).map_err(of_certificate)?;
        let key = key(&tls.key).map_err(of_key)?;
        Self::of(chain, key).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => of_key(format!(
                "{} is not the key of the certificate in {}: name two files that were made together",
                tls.key.display(),
                tls.certificate.display()
            )),
            Error::InvalidCertificate(error) => of_certificate(format!(
                "the first certificate in {} cannot be used ({error}): name a file that begins with the certificate of \
                 this server",
                tls.certificate.display()
            )),
            _ => of_key(format!(
                "{} holds a key of an unknown kind: use RSA with 2048 bits or more, or ECDSA with P-256 or P-384",
                tls.key.display()
            )),
        })
    }

    /// Parses a chain and its key from one text (PEM).
    ///
    /// # Errors
    /// Why it cannot be used, without any of the text.
    pub(super) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let chain = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|_| "it is no PEM".to_owned())?;
        let key = PrivateKeyDer::from_pem_slice(text).map_err(|_| "it has no key".to_owned())?;
        Self::of(chain, key).map_err(|error| error.to_string())
    }

    /// A pair of a certificate chain and its key.
    ///
    /// # Errors
    /// If they do not belong together, or cannot be used.
    pub fn of(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, Error> {
        let certified = CertifiedKey::from_der(chain, key, &provider())?;
        let certificate = certified.end_entity_cert()?;
        let (begins_at, ends_at, names) = (begin(certificate), end(certificate)?, names(certificate)?);
        Ok(Self { certified: Arc::new(certified), names, begins_at, ends_at })
    }

    /// The names and IP addresses that it is for.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// When it becomes valid.
    #[must_use]
    pub const fn begins_at(&self) -> UnixMillis {
        self.begins_at
    }

    /// When it ends.
    #[must_use]
    pub const fn ends_at(&self) -> UnixMillis {
        self.ends_at
    }

    /// Whether it is valid by its dates.
    #[must_use]
    pub fn is_current(&self, now: UnixMillis) -> bool {
        self.begins_at <= now && now < self.ends_at
    }

    /// Whether it is for a host: a name or an IP address.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let certificate = self.certified.end_entity_cert().and_then(ParsedCertificate::try_from);
        let name = ServerName::try_from(bare).ok();
        certificate.ok().zip(name).is_some_and(|(certificate, name)| verify_server_name(&certificate, &name).is_ok())
    }

    /// Its names and dates, as in "for a.example.com, from 2026-11-01 until 2027-01-31".
    #[must_use]
    pub fn describe(&self) -> String {
        let names = if self.names.is_empty() { "no name".to_owned() } else { self.names.join(", ") };
        format!("for {names}, from {} until {}", day(self.begins_at), day(self.ends_at))
    }
}

/// The crypto provider of all TLS here.
pub(super) fn provider() -> CryptoProvider {
    ring::default_provider()
}

/// The day of an instant, for people.
#[must_use]
pub fn day(at: UnixMillis) -> String {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().format("%Y-%m-%d").to_string()
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = bytes(path)?;
    let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    if chain.is_empty() {
        let shown = path.display();
        return Err(format!("{shown} has no certificate: name a file with -----BEGIN CERTIFICATE----- in it (PEM)"));
    }
    Ok(chain)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let (bytes, shown) = (bytes(path)?, path.display());
    if bytes.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED) {
        return Err(format!(
            "the key in {shown} has a password: write it without, with openssl pkey -in KEY -out KEY2"
        ));
    }
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| format!("{shown} has no key: name a file with -----BEGIN PRIVATE KEY----- in it (PEM)"))
}

/// In the text of every key that has a password.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let unread = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("{} does not exist: name a file in PEM", path.display()),
        // For other kinds the system's own message says most.
        _ => denied::unread(path, error),
    };
    // Before opening it: opening a pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(|error| unread(&error))?;
    if !metadata.is_file() || metadata.len() > LIMIT_BYTES {
        return Err(format!("{} is not a PEM file, or is very large: name another", path.display()));
    }
    fs::read(path).map(Zeroizing::new).map_err(|error| unread(&error))
}

/// The verifier's error for a certificate at an instant.
fn verify_at(certificate: &CertificateDer<'_>, seconds: u64) -> Error {
    static VERIFIER: LazyLock<Arc<WebPkiServerVerifier>> = LazyLock::new(|| {
        // It checks dates before it looks for the authority, so any authority will do.
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS[..1].to_vec() };
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()));
        builder.build().expect("there is an authority")
    });
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let result = VERIFIER.verify_server_cert(certificate, &[], &other_name(), &[], at);
    result.err().unwrap_or(Error::InvalidCertificate(CertificateError::BadEncoding))
}

fn other_name() -> ServerName<'static> {
    ServerName::try_from("nobody.invalid").expect("it is a name")
}

fn end(certificate: &CertificateDer<'_>) -> Result<UnixMillis, Error> {
    match verify_at(certificate, DISTANT_SECONDS) {
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => Ok(instant(not_after)),
        error => Err(error),
    }
}

fn begin(certificate: &CertificateDer<'_>) -> UnixMillis {
    match verify_at(certificate, 0) {
        Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => instant(not_before),
        // It began before 1970, or cannot be parsed, which `end` reports.
        _ => UnixMillis(0),
    }
}

fn instant(at: UnixTime) -> UnixMillis {
    UnixMillis::from_seconds(i64::try_from(at.as_secs()).unwrap_or(i64::MAX / 1000))
}

fn names(certificate: &CertificateDer<'_>) -> Result<Vec<String>, Error> {
    match verify_server_name(&ParsedCertificate::try_from(certificate)?, &other_name()) {
        Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })) => {
            Ok(presented.iter().map(|name| shown(net::bare_name(name))).collect())
        }
        Ok(()) | Err(_) => Ok(Vec::new()),
    }
}

/// A name or an IP address for display.
fn shown(name: &str) -> String {
    name.parse::<IpAddr>().map_or_else(|_| name.to_owned(), |address| address.to_string())
}

#[cfg(test)]
#[path = "pair_tests.rs"]
mod tests;
