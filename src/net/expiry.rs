//! When a server's certificate ends.
//!
//! The certificate is verified as of a later time. If it has ended by then, the verifier says when it ends, so nothing
//! here has to read certificates.

use std::{sync::Arc, time::Duration};

use reqwest::Url;
use rustls::{CertificateError, Error, pki_types::UnixTime, time_provider::TimeProvider};

use crate::net::{Egress, causes, trust};

/// A clock that is ahead.
#[derive(Debug)]
struct Ahead(Duration);

impl TimeProvider for Ahead {
    fn current_time(&self) -> Option<UnixTime> {
        let now = Duration::from_secs(UnixTime::now().as_secs());
        Some(UnixTime::since_unix_epoch(now.saturating_add(self.0)))
    }
}

/// When the certificate of the server at `url` ends, in seconds since the epoch, if that is `within` this time or has
/// passed. `None` for anything else, be it that nobody answers.
pub async fn ends_within(egress: &Egress, url: &Url, within: Duration) -> Option<u64> {
    let client = egress.client().ok()?.use_preconfigured_tls(trust::tls_ahead(Arc::new(Ahead(within))));
    let client = client.connect_timeout(WITHIN).timeout(WITHIN).build().ok()?;
    let error = client.head(url.clone()).send().await.err()?;
    match causes::find(&error) {
        Some(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Some(not_after.as_secs())
        }
        _ => None,
    }
}

/// How long the talk with the server may take.
const WITHIN: Duration = Duration::from_secs(20);
