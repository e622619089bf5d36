//! What goes wrong at the account's REST API, and what is said about it.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use reqwest::Url;
use telekommo::{
    domain::{retry::Failure, time::UnixMillis},
    kommo::account::{Account, RestError},
    net::Egress,
    sandbox::{
        fault::Fault,
        kommo::{Rate, Subject},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{account, client, kommo, source};

#[tokio::test]
async fn a_token_that_is_wrong_expired_or_revoked_is_told_as_such() {
    let kommo = kommo();
    let revoked = kommo.access_token();
    let expired = kommo.new_token(UnixMillis(kommo.clock().now().0 - 1));
    for token in ["wrong", &revoked, &expired] {
        let error = client(&kommo, token).info().await.unwrap_err();
        assert!(error.to_string().contains("kommo.access_token"), "{error}");
        assert!(!error.to_string().contains(token), "{error}");
        assert!(matches!(error.into(), Failure::Blocked { .. }));
    }
}

#[tokio::test]
async fn a_missing_right_stops_nothing_else() {
    let kommo = kommo();
    kommo.forbid(&[Subject::Sources]);
    let account = account(&kommo);
    let error = account.sources().await.unwrap_err();
    assert!(error.to_string().contains("administrator"), "{error}");
    assert!(account.info().await.is_ok());
}

#[tokio::test]
async fn after_a_429_and_then_a_403_nothing_is_asked_any_more() {
    let kommo = kommo();
    kommo.set_rest_rate(Rate { per_second: 0, patience: 1, shut_out_for: Duration::from_mins(5) });
    let account = account(&kommo);
    // The first refusal asks for a moment, which is waited out.
    let error = account.info().await.unwrap_err();
    assert!(matches!(error, RestError::Throttled { shut_out: true, .. }), "{error}");
    let error = account.clone().info().await.unwrap_err();
    assert!(error.to_string().contains("has blocked this machine"), "{error}");
    let statuses: Vec<_> = kommo.rest_requests().into_iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(429), Some(403)]);
}

#[tokio::test]
async fn all_calls_together_stay_below_the_rate_that_kommo_takes() {
    let kommo = kommo();
    // When the calls start is what is measured; on a busy machine they may arrive closer together.
    kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    let (account, start) = (account(&kommo), Instant::now());
    let calls = (0..12).map(|_| account.info());
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn the_wait_that_kommo_asks_for_is_kept() {
    let kommo = kommo();
    kommo.rest_fault(None, Fault::RetryAfter(90), 1);
    let account = account(&kommo);
    let error = account.info().await.unwrap_err();
    assert!(matches!(error.into(), Failure::Throttled { after: Some(wait), .. } if wait.as_secs() == 90));
    assert!(account.info().await.is_err());
    assert_eq!(kommo.rest_requests().len(), 1);
}

#[tokio::test]
async fn what_time_heals_is_told_from_what_it_does_not() {
    let kommo = kommo();
    let account = account(&kommo);
    for fault in [Fault::Garbage, Fault::DropBefore, Fault::Status { code: 504, body: String::new() }] {
        kommo.rest_fault(Subject::Account, fault, 1);
        let error = account.info().await.unwrap_err();
        assert!(matches!(Failure::from(error.clone()), Failure::Transient { .. }), "{error}");
    }
    kommo.rest_down(true).unwrap();
    let error = account.info().await.unwrap_err();
    assert!(matches!(&error, RestError::Unreachable(_)) && !error.to_string().contains("/api"), "{error}");
    kommo.rest_down(false).unwrap();
    assert!(account.info().await.is_ok());
    for (code, want) in [(402, "billing"), (401, "make a new one")] {
        kommo.rest_fault(None, Fault::Status { code, body: String::new() }, 1);
        let error = account.create_source(&source("sales")).await.unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        assert!(matches!(error.into(), Failure::Blocked { .. }));
    }
    for (code, want) in
        [(302, "kommo.account_url"), (404, "kommo.account_url"), (403, "403 (HTML)"), (405, "405 (HTML)")]
    {
        kommo.rest_fault(None, Fault::Page { code }, 1);
        let error = account.create_source(&source("sales")).await.unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        assert!(matches!(error.into(), Failure::Transient { .. }), "{code}: nobody has judged");
    }
}

#[tokio::test]
async fn neither_cookies_nor_the_token_go_where_they_do_not_belong() {
    let kommo = kommo();
    let answer = reqwest::Client::new()
        .get(format!("{}/api/v4/account", kommo.account_url()))
        .header("Authorization", format!("Bearer {}", kommo.access_token()))
        .header("Cookie", "session_id=1")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400, "the fake refuses cookies, as Kommo does");
    // What an account of anybody's may answer: go elsewhere, and take this with you.
    let (elsewhere, its_door) = listener().await;
    let (account, route) = listener().await;
    let origin = Url::parse(&format!("http://{account}")).unwrap();
    let client = Account::new(&Egress::default(), origin, "hush-token", Duration::from_secs(10)).unwrap();
    let answer = format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{elsewhere}/api/v4/account\r\nset-cookie: session_id=1; Path=/\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    for _ in 0..2 {
        let (asked, (head, mut stream)) = tokio::join!(client.info(), async {
            let (mut stream, _) = route.accept().await.unwrap();
            let head = head_of(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            (head, stream)
        });
        assert!(asked.is_err() && stream.read(&mut [0; 1]).await.is_ok_and(|read| read == 0));
        assert!(!head.contains("cookie"), "{head}");
        let with_token: Vec<_> = head.lines().filter(|line| line.contains("hush-token")).collect();
        assert_eq!(with_token, ["authorization: bearer hush-token"], "{head}");
    }
    assert!(its_door.accept().now_or_never().is_none(), "somebody has gone elsewhere");
}

async fn listener() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap(), listener)
}

/// The head of a request, in lower case.
async fn head_of(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert!(stream.read_buf(&mut head).await.unwrap() > 0, "the client has gone");
    }
    String::from_utf8(head).unwrap().to_lowercase()
}
