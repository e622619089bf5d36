//! Valid and invalid files of certificates and keys.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::*;

/// A folder with a certificate and its key.
struct Folder(TempDir, PairFiles);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tls = PairFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        let this = Self(folder, tls);
        this.put(&["a.test", "b.test", "10.0.0.7", "::1"]);
        this
    }

    fn put(&self, names: &[&str]) {
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 2), date_time_ymd(2027, 3, 4));
        let key = KeyPair::generate().unwrap();
        fs::write(&self.1.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&self.1.key, key.serialize_pem()).unwrap();
    }

    /// The error, with file names relative to the folder.
    fn error(&self) -> String {
        let error = Pair::read(&self.1).expect_err("they are of no use");
        error.replace(&format!("{}/", self.0.path().display()), "")
    }
}

#[test]
fn a_certificate_has_names_and_dates() {
    let folder = Folder::new();
    let pair = Pair::read(&folder.1).unwrap();
    assert_eq!(pair.names(), ["a.test", "b.test", "10.0.0.7", "::1"]);
    assert_eq!(pair.describe(), "for a.test, b.test, 10.0.0.7, ::1, from 2026-01-02 until 2027-03-04");
    for (host, is_for) in
        [("a.test", true), ("10.0.0.7", true), ("[::1]", true), ("c.test", false), ("10.0.0.8", false)]
    {
        assert_eq!(pair.is_for(host), is_for, "{host}");
    }
    let at = |day: i64| pair.begins_at().plus(Duration::from_secs(u64::try_from(day * 86400).unwrap()));
    assert!(pair.is_current(at(0)) && pair.is_current(at(425)) && !pair.is_current(at(426)));
    assert!(!pair.is_current(UnixMillis(pair.begins_at().0 - 1)));
}

#[test]
fn a_chain_has_the_certificate_first() {
    let folder = Folder::new();
    let of_a = fs::read_to_string(&folder.1.certificate).unwrap();
    let key = fs::read_to_string(&folder.1.key).unwrap();
    folder.put(&["other.test"]);
    let chain = format!("{of_a}\n{}", fs::read_to_string(&folder.1.certificate).unwrap());
    fs::write(&folder.1.certificate, &chain).unwrap();
    assert!(folder.error().starts_with("server.tls.key: key.pem is not the key of the certificate in cert.pem: name"));
    fs::write(&folder.1.key, key).unwrap();
    let pair = Pair::read(&folder.1).unwrap();
    assert_eq!((pair.names()[0].as_str(), pair.certified.cert.len()), ("a.test", 2));
}

#[test]
fn errors_name_the_setting_and_the_remedy() {
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (name, text, expected) in [
        ("cert.pem", "", "server.tls.certificate: cert.pem has no certificate: name a file with -----BEGIN CERT"),
        ("cert.pem", no_key, "server.tls.certificate: cert.pem has no certificate"),
        (
            "cert.pem",
            no_certificate,
            "server.tls.certificate: the first certificate in cert.pem cannot be used (BadEncoding",
        ),
        ("key.pem", "hush", "server.tls.key: key.pem has no key: name a file with -----BEGIN PRIVATE KEY-----"),
        ("key.pem", no_certificate, "server.tls.key: key.pem has no key"),
        ("key.pem", encrypted, "server.tls.key: the key in key.pem has a password: write it without"),
        ("key.pem", no_key, "server.tls.key: key.pem holds a key of an unknown kind: use RSA"),
    ] {
        let folder = Folder::new();
        fs::write(folder.0.path().join(name), text).unwrap();
        let message = folder.error();
        assert!(message.starts_with(expected), "{message}");
        assert!(!message.contains("hush") && !message.contains("AAAA"), "{message}");
    }
    for (missing, expected) in [
        ("cert.pem", "server.tls.certificate: cert.pem does not exist: name a file in PEM"),
        ("key.pem", "server.tls.key: key.pem does not exist: name a file in PEM"),
    ] {
        let folder = Folder::new();
        fs::remove_file(folder.0.path().join(missing)).unwrap();
        assert_eq!(folder.error(), expected);
        fs::create_dir(folder.0.path().join(missing)).unwrap();
        assert!(folder.error().contains("is not a PEM file"), "{}", folder.error());
    }
}
