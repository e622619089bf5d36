//! A bridge whose two sides go out by different ways.

use std::{collections::HashMap, net::SocketAddr};

use hyper::body::Bytes;
use telekommo::sandbox::{
    harness::{ANNA, Harness, LINES, Line},
    kommo::{Attachment, AttachmentKind, Draft, Serving, Status},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::proxies::{FakeProxy, Manners, Speaks, spawn};
use crate::{
    bridge::samples::pdf,
    support::{TestStage, conversation},
};

const SALES: Line = LINES[0];
const CREDENTIALS: (&str, &str) = ("user", "hush-hush-proxy");

/// Serves these bytes to whoever asks for anything.
async fn file_server(bytes: Bytes) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            let told = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
            drop(stream.write_all(&[told.as_bytes(), bytes.as_ref()].concat()).await);
        }
    });
    address
}

/// A proxy that wants a password, and alone knows what these names mean.
async fn locked(speaks: Speaks, names: &[(&'static str, SocketAddr)]) -> FakeProxy {
    let names: HashMap<_, _> = names.iter().copied().collect();
    FakeProxy::start(Manners { credentials: Some(CREDENTIALS), names, ..Manners::of(speaks) }).await
}

/// Both fakes, of which one is reached through a proxy. Their addresses are known before the bridge's configuration is.
async fn staged(settings: impl AsyncFnOnce(&Harness) -> String) -> TestStage {
    let stage = Harness::without_bridge("").unwrap();
    let settings = settings(&stage).await;
    TestStage::between(stage, &settings).await
}

async fn say(stage: &TestStage, draft: Draft) {
    let (id, hook) = stage.kommo.say(&conversation(SALES, ANNA), "Maria", draft).await;
    assert_eq!(hook.status, Some(200));
    assert_eq!(stage.outcome(&id).await, Status::Delivered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegram_goes_through_socks_and_kommo_does_not() {
    let mut proxy = None;
    let stage = staged(async |stage| {
        let at = stage.telegram.address();
        let socks = locked(Speaks::Socks5, &[("telegram.test", at)]).await;
        let (user, password) = CREDENTIALS;
        let address = socks.address;
        proxy = Some(socks);
        format!(
            "telegram.api_url = \"http://telegram.test:{}\"\ntelegram.proxy = \
             \"socks5h://{user}:{password}@{address}\"",
            at.port()
        )
    })
    .await;
    let proxy = proxy.unwrap();
    stage.begin(SALES, ANNA).await;
    say(&stage, Draft::text("hello")).await;
    let bytes = pdf(70_000);
    say(&stage, Draft::file(Attachment::new(AttachmentKind::File, "plan.pdf", bytes.clone()))).await;
    stage.assert_holds(stage.sent().last().unwrap(), &bytes);
    let only = format!("telegram.test:{}", stage.telegram.address().port());
    assert!(!proxy.asked().is_empty() && proxy.asked().iter().all(|asked| *asked == only), "{:?}", proxy.asked());
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kommo_and_its_files_go_through_an_http_proxy_that_alone_knows_their_names() {
    let bytes = pdf(80_000);
    let files = file_server(bytes.clone()).await;
    let mut proxy = None;
    let mut stage = staged(async |stage| {
        let at = stage.kommo.address();
        let account = stage.kommo.account_url();
        let account_at = account.trim_start_matches("http://").parse().unwrap();
        let account = account.replace("127.0.0.1", "account.test");
        let http =
            locked(Speaks::Http, &[("kommo.test", at), ("account.test", account_at), ("files.corp.test", files)]).await;
        let (user, password) = CREDENTIALS;
        let (address, port) = (http.address, at.port());
        proxy = Some(http);
        format!(
            "kommo.chats_url = \"http://kommo.test:{port}\"\nkommo.account_url = \"{account}\"\n\
             kommo.access_token = \"{{access_token}}\"\nkommo.media_hosts = [\"127.0.0.1\", \"files.corp.test\"]\n\
             kommo.proxy = \"http://{user}:{password}@{address}\""
        )
    })
    .await;
    let proxy = proxy.unwrap();
    stage.begin(SALES, ANNA).await;
    say(&stage, Draft::text("hello")).await;
    let elsewhere = Serving::Elsewhere("http://files.corp.test/plan.pdf".to_owned());
    let file = Attachment::new(AttachmentKind::File, "plan.pdf", bytes.clone()).served(elsewhere);
    say(&stage, Draft::file(file)).await;
    stage.assert_holds(stage.sent().last().unwrap(), &bytes);
    assert!(proxy.was_asked_for("files.corp.test:80"), "{:?}", proxy.asked());
    assert!(proxy.was_asked_for(&format!("kommo.test:{}", stage.kommo.address().port())), "{:?}", proxy.asked());
    stage.until("the account is asked", |stage| !stage.kommo.rest_requests().is_empty()).await;
    // A redirect counts as one.
    stage.allow_failures();
    let telegram = stage.telegram.address().port().to_string();
    assert!(!proxy.asked().iter().any(|asked| asked.ends_with(&telegram)), "{:?}", proxy.asked());
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socks5_looks_names_up_here_and_socks5h_there() {
    for (scheme, is_named) in [("socks5", false), ("socks5h", true)] {
        let mut proxy = None;
        let stage = staged(async |stage| {
            let at = stage.telegram.address();
            let names = HashMap::from([("localhost", at), ("[::1]", at)]);
            let socks = FakeProxy::start(Manners { names, ..Manners::of(Speaks::Socks5) }).await;
            let address = socks.address;
            proxy = Some(socks);
            let port = at.port();
            format!("telegram.api_url = \"http://localhost:{port}\"\ntelegram.proxy = \"{scheme}://{address}\"")
        })
        .await;
        stage.begin(SALES, ANNA).await;
        let asked = proxy.unwrap().asked();
        let named = asked.iter().filter(|asked| asked.starts_with("localhost:")).count();
        assert_eq!(named, if is_named { asked.len() } else { 0 }, "{scheme}: {asked:?}");
        assert!(!asked.is_empty());
        stage.finish().await;
    }
}
