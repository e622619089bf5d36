//! What is said when no answer comes, whatever stands in the way.

use std::{net::SocketAddr, time::Duration};

use reqwest::Url;
use telekommo::{
    net::{Egress, Http, Proxy, RequestError},
    sandbox::harness::unused_address,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    pki::{Authority, Flaw},
    proxies::{FakeProxy, Manners, Speaks, spawn},
    servers::speak_tls,
};

/// Long enough for a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(10);

async fn trouble(proxy: &str, url: &str) -> RequestError {
    let egress = Egress::new(Proxy::parse(proxy).unwrap());
    let http = Http::new(&egress, |client| client.connect_timeout(PATIENCE).timeout(PATIENCE)).unwrap();
    let url = Url::parse(url).unwrap();
    http.send(http.get(url)).await.expect_err("no answer comes")
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    unused_address()
}

/// A server that reads a little and answers with `bytes`, whatever it was asked.
async fn saying(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 3];
            drop(stream.read_exact(&mut asked).await);
            drop(stream.write_all(bytes).await);
            drop(stream.shutdown().await);
            // Unread bytes would make it a reset.
            drop(tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await);
        }
    });
    address
}

#[track_caller]
fn assert_says(trouble: &RequestError, words: &[&str], was_sent: bool) {
    let text = trouble.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text:?} does not say {words:?}");
    assert!(!text.contains("os error") && !text.contains("secret") && !text.contains("/bot"), "{text:?}");
    assert_eq!(trouble.was_sent, was_sent, "{text}");
}

#[tokio::test]
async fn a_way_without_a_proxy_names_the_host_and_the_cause() {
    let none = async |url: &str| trouble("none", url).await;
    let said = none("http://nowhere.invalid/botsecret/x").await;
    assert_says(&said, &["nowhere.invalid: the name nowhere.invalid cannot be looked up ("], false);
    let closed = nobody();
    let said = none(&format!("http://{closed}/botsecret/x")).await;
    assert_eq!(said.to_string(), format!("{closed}: connection refused"));
    assert!(!said.was_sent);
    let stranger = speak_tls(Authority::new().acceptor(Flaw::Nothing), closed).await;
    let said = none(&format!("https://{stranger}/botsecret/x")).await;
    assert_says(&said, &[&stranger.to_string(), "TLS: ", "not trusted here", "SSL_CERT_FILE"], false);
    let plain = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_says(&none(&format!("https://{plain}/secret")).await, &["does not speak TLS"], false);
    let mute = saying(b"").await;
    assert_says(&none(&format!("http://{mute}/secret")).await, &["closed before the response was complete"], true);
    let stammer = saying(b"BABBLE BABBLE BABBLE\r\n\r\n").await;
    assert_says(&none(&format!("http://{stammer}/secret")).await, &["is not HTTP"], true);
}

#[tokio::test]
async fn an_answer_that_does_not_come_says_of_what_there_was_too_little() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let within = Duration::from_millis(300);
    let egress = Egress::new(Proxy::Nothing);
    let http = Http::new(&egress, |client| client.connect_timeout(within)).unwrap();
    let said = http.send(http.get(Url::parse(&format!("https://{address}/x")).unwrap())).await.unwrap_err();
    assert_says(&said, &["no connection in time"], false);
    let http = Http::new(&egress, |client| client.timeout(within)).unwrap();
    let said = http.send(http.get(Url::parse(&format!("http://{address}/x")).unwrap())).await.unwrap_err();
    assert_says(&said, &["no answer in time"], true);
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_and_why() {
    let dead = nobody();
    for scheme in ["http", "https", "socks5", "socks5h"] {
        for target in ["http", "https"] {
            let said =
                trouble(&format!("{scheme}://user:secret@{dead}"), &format!("{target}://127.0.0.1:1/botsecret")).await;
            let whole =
                format!("127.0.0.1:1 through the proxy {dead}: the proxy cannot be reached: connection refused");
            assert_eq!((said.to_string(), said.was_sent), (whole, false), "{scheme} {target}");
        }
        let said = trouble(&format!("{scheme}://user:secret@proxy.invalid:3128"), "https://127.0.0.1:1/").await;
        assert_says(
            &said,
            &["through the proxy proxy.invalid:3128", "the name proxy.invalid cannot be looked up"],
            false,
        );
    }
}

#[tokio::test]
async fn an_http_proxy_that_opens_no_way_says_why() {
    let locked = Manners { credentials: Some(("user", "secret")), ..Manners::of(Speaks::Http) };
    let locked = FakeProxy::start(locked).await.address;
    let said = trouble(&format!("http://{locked}"), "https://127.0.0.1:1/").await;
    assert_says(&said, &["wants a user and a password (407)", &format!("http://USER:PASSWORD@{locked}")], false);
    let said = trouble(&format!("http://user:othersecret@{locked}"), "https://127.0.0.1:1/").await;
    assert_says(&said, &["does not accept the user and the password (407)"], false);
    // The answer of a proxy to what it is to pass on as it is.
    let said = trouble(&format!("http://{locked}"), "http://127.0.0.1:1/botsecret").await;
    assert_says(&said, &["127.0.0.1:1 through the proxy", "the proxy wants a user and a password (407)"], false);
    for status in [403, 502, 503] {
        let closed = Manners { refuses_with: Some(status), ..Manners::of(Speaks::Http) };
        let closed = FakeProxy::start(closed).await.address;
        let said = trouble(&format!("http://u:secret@{closed}"), "https://127.0.0.1:1/").await;
        assert_says(&said, &[&format!("through the proxy {closed}: the proxy answered {status}")], false);
    }
    let mute = saying(b"").await;
    assert_says(&trouble(&format!("http://{mute}"), "https://127.0.0.1:1/").await, &["the proxy closed"], false);
}

#[tokio::test]
async fn a_socks_proxy_that_opens_no_way_says_why() {
    let locked = Manners { credentials: Some(("user", "secret")), ..Manners::of(Speaks::Socks5) };
    let locked = FakeProxy::start(locked).await.address;
    let said = trouble(&format!("socks5h://{locked}"), "https://127.0.0.1:1/").await;
    assert_says(&said, &["the proxy wants a user and a password", "socks5h://USER:PASSWORD@"], false);
    let said = trouble(&format!("socks5h://user:othersecret@{locked}"), "https://127.0.0.1:1/").await;
    assert_says(&said, &["the proxy does not accept the user and the password"], false);
    let open = FakeProxy::socks5().await.address;
    let said = trouble(&format!("socks5://user:secret@{open}"), "https://127.0.0.1:1/").await;
    assert_says(&said, &["the proxy takes no user and password: leave them out"], false);
    for (code, words) in [(1, "general server failure"), (2, "not allowed"), (4, "unreachable"), (5, "refused")] {
        let closed = Manners { refuses_with: Some(code), ..Manners::of(Speaks::Socks5) };
        let closed = FakeProxy::start(closed).await.address;
        let said = trouble(&format!("socks5h://{closed}"), "http://127.0.0.1:1/").await;
        assert_says(&said, &["the proxy answered: ", words], false);
    }
    let web = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_says(&trouble(&format!("socks5://{web}"), "https://127.0.0.1:1/").await, &["is it one?"], false);
    let said = trouble(&format!("socks5://{open}"), "https://nowhere.invalid/").await;
    assert_says(&said, &["the name nowhere.invalid cannot be looked up"], false);
}
