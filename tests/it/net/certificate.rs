//! The certificate of the public address: its end is told ahead of time.

use axum::{
    Router,
    http::{StatusCode, Uri},
    routing::any,
};
use chrono::{Datelike, Days, NaiveDate, Utc};
use rcgen::{CertificateParams, date_time_ymd};
use rustix::process::Signal;
use telekommo::{sandbox::harness::Harness, serve::HERE};
use tokio::{net::TcpListener, sync::watch};

use super::{pki::Authority, proxies::spawn, servers::speak_tls};
use crate::{
    alerts::{inbox::Inbox, settings},
    binary::process::{Process, run},
    support::{BRISK, eventually},
};

/// A certificate that ends on that day.
pub(super) fn ending(day: NaiveDate) -> CertificateParams {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let (month, of_month) = (day.month().try_into().unwrap(), day.day().try_into().unwrap());
    params.not_after = date_time_ymd(day.year(), month, of_month);
    params
}

pub(super) fn in_days(days: u64) -> NaiveDate {
    Utc::now().date_naive() + Days::new(days)
}

/// What is told of a bridge whose web server has a certificate that ends on that day: the events, and the first text.
async fn told(day: NaiveDate, is_good: bool) -> (Vec<String>, String) {
    let (authority, inbox) = (Authority::new(), Inbox::open().await);
    // It stands for the bridge, whose port is not known before it starts.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bridge = listener.local_addr().unwrap();
    let (counted, looks) = watch::channel(0);
    let router = Router::new().fallback(any(async move |uri: Uri| {
        // The web server answers the rest itself, as the manual sets it up.
        if uri.path().starts_with("/kommo/") {
            counted.send_modify(|looks| *looks += 1);
            (StatusCode::NOT_FOUND, HERE)
        } else if uri.path().starts_with("/media/") {
            (StatusCode::NOT_FOUND, "no such link, or it has expired\n")
        } else {
            (StatusCode::OK, "")
        }
    }));
    spawn(async move { axum::serve(listener, router).await.unwrap() });
    let server = speak_tls(authority.acceptor_with(&ending(day)), bridge).await;
    let mut stage = Harness::without_bridge("").unwrap();
    let brisk = BRISK.replace("kommo.connect_on_start = false", "");
    stage.configure(&format!("{brisk}{}", settings(&inbox, &format!("server.public_url = \"https://{server}\"\n"))));
    let file = stage.dir().join("ca.pem");
    authority.write(&file);
    let mut command = run(&stage);
    command.env("SSL_CERT_FILE", file);
    let process = Process::start(&stage, command).await;
    if is_good {
        // The second look comes after all that belongs to the first.
        eventually("it was looked twice", async || *looks.borrow() > 1).await;
    } else {
        eventually("it is told", async || !inbox.events().is_empty()).await;
    }
    assert!(process.end(Signal::TERM).await.status.success());
    (inbox.events(), inbox.texts().first().cloned().unwrap_or_default())
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_told_with_its_day() {
    let (events, text) = told(in_days(9), false).await;
    assert_eq!(events, ["told certificate"]);
    let said = format!("the certificate of 127.0.0.1 ends on {}, in 8 days", in_days(9));
    assert!(text.contains(&said), "{text}");
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_told_as_what_keeps_kommo_out() {
    let (events, text) = told(in_days(0), false).await;
    assert_eq!(events, ["told public_address"]);
    assert!(text.contains("the certificate has expired") && text.contains("server.public_url"), "{text}");
}

#[tokio::test]
async fn a_certificate_that_is_good_for_longer_is_not_told() {
    let (events, _) = told(in_days(20), true).await;
    assert_eq!(events, [""; 0]);
}
