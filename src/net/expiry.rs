//! When a server's certificate ends. The certificate is verified as of a later time. If it has expired by then, the
//! verifier's error has the date, so nothing here has to parse certificates.

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

/// When the certificate of the server at `url` ends, in seconds since the epoch, if it has ended or ends `within` this
/// time. `None` otherwise, also if the server does not answer.
pub async fn ends_within(egress: &Egress, url: &Url, within: Duration) -> Option<u64> {
    let client = egress.client().ok()?.use_preconfigured_tls(trust::tls_ahead(Arc::new(Ahead(within))));
    let client = client.connect_timeout(TIMEOUT).timeout(TIMEOUT).build().ok()?;
    let error = client.head(url.clone()).send().await.err()?;
    match causes::find(&error) {
        Some(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Some(not_after.as_secs())
        }
        _ => None,
    }
}

/// Time limit of the connection and of the request.
const TIMEOUT: Duration = Duration::from_secs(20);
