//! Describes TLS errors, and what to do about them.

use rustls::{CertificateError, Error};

pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::InvalidMessage(_) => "the server does not speak TLS: is this a plain http address?".to_owned(),
        Error::AlertReceived(alert) => format!("the server refuses it ({alert:?})"),
        Error::PeerIncompatible(_) => "the server supports no secure version of it".to_owned(),
        other => other.to_string(),
    }
}

const EXPIRED: &str = "the certificate has expired, or this machine's clock is wrong";
const EARLY: &str = "the certificate is not valid yet, or this machine's clock is wrong";
const OTHER_NAME: &str = "the certificate is for another name";
const STRANGER: &str = "the certificate is by an authority that is not trusted here. If it is your own, or your \
                        network inspects TLS, let SSL_CERT_FILE name a file with that authority's certificate";
const ITS_OWN: &str =
    "the certificate is an authority's own, not a server's: let that authority sign one for the server";

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => STRANGER.to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => EXPIRED.to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => EARLY.to_owned(),
        CertificateError::NotValidForName => OTHER_NAME.to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => of_names(presented),
        CertificateError::Revoked => "the certificate was revoked".to_owned(),
        CertificateError::BadSignature => "the certificate's signature is wrong".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the certificate is not for servers".to_owned()
        }
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => ITS_OWN.to_owned(),
        other => format!("the certificate is not valid: {other}"),
    }
}

/// How many names are shown: certificates of big hosts have hundreds.
const NAMES: usize = 3;

fn of_names(presented: &[String]) -> String {
    let more = if presented.len() > NAMES { ", …" } else { "" };
    let names: Vec<_> = presented.iter().take(NAMES).map(|name| bare_name(name)).collect();
    if names.is_empty() { OTHER_NAME.to_owned() } else { format!("{OTHER_NAME}: {}{more}", names.join(", ")) }
}

/// The bare name of a certificate's name: rustls writes `DnsName("a.test")` and `IpAddress(10.0.0.1)`.
#[must_use]
pub fn bare_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}
