//! Hostile clients against one listener's connections, byte by byte, with a paused clock.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State, http::Request};
use http_body_util::{BodyExt, Limited};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, sleep},
};

use super::*;
use crate::{
    metrics::Form,
    serve::{peer::Peer, unparsed::UnparsedRequests},
};

const SECOND: Duration = Duration::from_secs(1);
/// The largest body.
const LIMIT_BYTES: usize = 1024 * 1024;

/// A listener that counts requests, and responds with the length of the body.
struct Listener {
    router: Router,
    requests: Arc<AtomicUsize>,
    open: Arc<Connections>,
}

impl Listener {
    fn new() -> Self {
        Self::serving(8, None)
    }

    /// A listener that serves so many requests at the same time.
    fn serving(served: usize, metrics: Option<Arc<Metrics>>) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let (small_bodies_bytes, large_bodies_bytes) = (256 * 1024, 2 * LIMIT_BYTES);
        let is_streaming = false;
        let limits = Limits {
            connections: 8,
            share: 8,
            handshaking: 1,
            served,
            small_bodies_bytes,
            large_bodies_bytes,
            is_streaming,
        };
        let router = Router::new().fallback(count).with_state(Arc::clone(&requests));
        Self { router, requests, open: Arc::new(Connections::new(limits, UnparsedRequests::new(metrics))) }
    }

    /// A client of the listener.
    async fn client(&self) -> DuplexStream {
        self.client_until(&CancellationToken::new()).await
    }

    /// A client that is served until `stop`.
    async fn client_until(&self, stop: &CancellationToken) -> DuplexStream {
        let (client, server) = duplex(64 * 1024);
        let connection = self.open.enter(Peer::of_tests()).await;
        spawn(conversation::hold(server, None, connection, self.router.clone(), stop.clone()));
        client
    }

    /// Sends `bytes` at once. Returns the response, and how many requests were handled.
    async fn answer(&self, bytes: &[u8]) -> (String, usize) {
        let before = self.requests.load(Ordering::Relaxed);
        let mut client = self.client().await;
        // The listener may not read all of it.
        let _ = client.write_all(bytes).await;
        let answer = all(&mut client).await;
        (answer, self.requests.load(Ordering::Relaxed) - before)
    }
}

async fn count(State(requests): State<Arc<AtomicUsize>>, request: Request<Body>) -> Response {
    requests.fetch_add(1, Ordering::Relaxed);
    match Limited::new(request.into_body(), LIMIT_BYTES).collect().await {
        Ok(body) => format!("{} bytes\n", body.to_bytes().len()).into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a connection of the test ends with it")]
fn spawn(connection: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(connection);
}

async fn all(client: &mut DuplexStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(60 * SECOND, client.read_to_end(&mut answer)).await;
    read.expect("the connection is closed").unwrap();
    String::from_utf8(answer).unwrap()
}

/// Sends `first`, then `piece` again and again. Returns the response, and the time until the connection was closed.
async fn sent_for_ever(first: &str, piece: &[u8], every: Duration) -> (String, Duration) {
    let (listener, started) = (Listener::new(), Instant::now());
    let (mut reader, mut writer) = tokio::io::split(listener.client().await);
    let writes = async {
        let mut written = writer.write_all(first.as_bytes()).await;
        while written.is_ok() {
            sleep(every).await;
            written = writer.write_all(piece).await;
        }
        // There may be a response all the same.
        pending().await
    };
    let reads = async {
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).await.unwrap();
        (answer, started.elapsed())
    };
    let (answer, elapsed) = tokio::select! { ended = reads => ended, ended = writes => ended };
    assert_eq!(listener.open.small_bytes_held(), 0, "memory is free again");
    (String::from_utf8(answer).unwrap(), elapsed)
}

const HOOK: &str = "POST /kommo/s HTTP/1.1\r\nhost: x\r\n";

#[tokio::test(start_paused = true)]
async fn a_slow_client_has_one_timeout_in_all_and_not_per_byte() {
    let (sized, chunked) =
        (format!("{HOOK}content-length: 1000\r\n\r\n"), format!("{HOOK}transfer-encoding: chunked\r\n\r\n"));
    for (first, piece, prefix) in [
        ("", &b"G"[..], ""),
        ("GET / HTTP/1.1\r\n", b"x", ""),
        ("GET / HTTP/1.1\r\n", b"x: y\r\n", ""),
        (&sized, b"x", "HTTP/1.1 408"),
        (&chunked, b"1\r\nx\r\n", "HTTP/1.1 408"),
        (&chunked, b"0", "HTTP/1.1 408"),
        (&chunked, b"5;", "HTTP/1.1 408"),
    ] {
        let (answer, elapsed) = sent_for_ever(first, piece, SECOND).await;
        assert!(answer.starts_with(prefix), "{first:?} {piece:?}: {answer}");
        assert!(elapsed >= 5 * SECOND && elapsed <= 7 * SECOND, "{first:?} {piece:?}: {elapsed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn endless_requests_are_aborted_however_fast_they_come() {
    let chunked = format!("{HOOK}transfer-encoding: chunked\r\n\r\n");
    let trailers = format!("{chunked}1\r\nx\r\n0\r\n");
    let extension = format!("{chunked}1;");
    let (letters, zeros, lines) = (vec![b'a'; 512], vec![b'0'; 512], b"x: y\r\n".repeat(50));
    for (what, first, piece, prefix) in [
        ("a head", "GET / HTTP/1.1\r\nx: ", &letters, "HTTP/1.1 431"),
        ("fields", "GET / HTTP/1.1\r\n", &lines, "HTTP/1.1 431"),
        ("an address", "GET /", &letters, "HTTP/1.1 431"),
        ("a chunk's size", &chunked, &zeros, "HTTP/1.1 408"),
        ("a chunk's extension", &extension, &letters, "HTTP/1.1 408"),
        ("trailers", &trailers, &lines, "HTTP/1.1 408"),
    ] {
        let (answer, elapsed) = sent_for_ever(first, piece, Duration::from_millis(1)).await;
        assert!(answer.starts_with(prefix), "{what}: {answer}");
        assert!(elapsed <= 12 * SECOND, "{what}: {elapsed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_ambiguous_request_is_refused_and_nothing_after_it_is_read() {
    let listener = Listener::new();
    let hidden = "POST /kommo/hidden HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    let started = Instant::now();
    for lines in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 0\r\ncontent-length: 5\r\n",
        "content-length: 0\r\ncontent-length: 0\r\n",
        "content-length: +0\r\n",
        "content-length: 0 \u{b}\r\n",
        "content-length : 0\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity, chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "x: a\r\n content-length: 5\r\n",
        "x: a\ncontent-length: 5\r\n",
        "x: a\rcontent-length: 5\r\n",
        "x: a\0\r\n",
        "host: y\r\n",
    ] {
        let (answer, requests) = listener.answer(format!("{HOOK}{lines}\r\n0\r\n\r\n{hidden}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("connection: close"), "{lines:?}: {answer}");
        assert_eq!((requests, answer.matches("HTTP/1.1").count()), (0, 1), "{lines:?}: {answer}");
    }
    for whole in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\nhost: x\n\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\0",
    ] {
        let (answer, requests) = listener.answer(whole).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{whole:?}: {answer}");
        assert_eq!(requests, 0, "{whole:?}");
    }
    assert!(started.elapsed() < SECOND, "nobody is waited for");
}

#[tokio::test(start_paused = true)]
async fn a_malformed_head_is_counted_and_waits_for_no_serving_slot() {
    let metrics = Arc::new(Metrics::new());
    let (listener, started) = (Listener::serving(0, Some(Arc::clone(&metrics))), Instant::now());
    for lines in ["content-length: 0\r\ntransfer-encoding: chunked\r\n", "host: y\r\n"] {
        let (answer, requests) = listener.answer(format!("{HOOK}{lines}\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && requests == 0, "{lines:?}: {answer}");
    }
    assert_eq!((started.elapsed(), listener.open.small_bytes_held()), (Duration::ZERO, 0));
    let metrics = metrics.text(Form::Prometheus);
    assert!(metrics.contains("telekommo_hooks_total{outcome=\"irregular\"} 2"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_carries_one_request() {
    let listener = Listener::new();
    for first in [
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\n\r\n".to_owned(),
        format!("{HOOK}connection: keep-alive\r\ncontent-length: 2\r\n\r\n{{}}"),
        format!("{HOOK}transfer-encoding: chunked\r\n\r\n2;x=y\r\n{{}}\r\n0\r\nx: y\r\n\r\n"),
        "GET http://elsewhere.test/ HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n".to_owned(),
        "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n".to_owned(),
        "CONNECT elsewhere.test:443 HTTP/1.1\r\nhost: elsewhere.test:443\r\n\r\n".to_owned(),
        "TRACE / HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
    ] {
        let (answer, requests) = listener.answer(format!("{first}{first}").as_bytes()).await;
        assert_eq!((requests, answer.matches("HTTP/1.").count()), (1, 1), "{first:?}: {answer}");
        assert!(answer.contains(" 200 OK\r\n"), "{first:?}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_from_one_network_displaces_no_other_network() {
    let (small_bodies_bytes, large_bodies_bytes) = (64 * 1024, 0);
    let is_streaming = false;
    let limits = Limits {
        connections: 8,
        share: 2,
        handshaking: 1,
        served: 8,
        small_bodies_bytes,
        large_bodies_bytes,
        is_streaming,
    };
    let (listener, open) = (Listener::new(), Arc::new(Connections::new(limits, UnparsedRequests::default())));
    let enter = async |last: u8| {
        let (client, server) = duplex(1024);
        let peer = Proxies::default().peer(([192, 0, 2, last], 1).into());
        let connection = open.enter(peer).await;
        spawn(conversation::hold(server, None, connection, listener.router.clone(), CancellationToken::new()));
        client
    };
    // By now it is the slowest of all.
    let mut hook = enter(1).await;
    hook.write_all(HOOK.as_bytes()).await.unwrap();
    sleep(SECOND).await;
    let mut flood = Vec::new();
    for _ in 0..50 {
        flood.push(enter(2).await);
    }
    let mut another = enter(3).await;
    another.write_all(HOOK.as_bytes()).await.unwrap();
    for client in [&mut hook, &mut another] {
        client.write_all(b"content-length: 2\r\n\r\n{}").await.unwrap();
        assert!(all(client).await.ends_with("2 bytes\n"));
    }
    let (mut alive, mut buffer) = (0, [0; 1]);
    for client in &mut flood {
        let read = tokio::time::timeout(Duration::from_millis(1), client.read(&mut buffer)).await;
        alive += usize::from(read.is_err());
    }
    assert!(alive <= 8, "{alive} of the flood have a place");
}

#[tokio::test(start_paused = true)]
async fn a_new_client_is_served_during_a_stop_and_a_silent_one_delays_it_briefly() {
    let listener = Listener::new();
    // `select!` picks one of two ready branches at random.
    for _ in 0..30 {
        let stop = CancellationToken::new();
        let mut client = listener.client_until(&stop).await;
        stop.cancel();
        sleep(SECOND / 4).await;
        client.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nhook").await.unwrap();
        let answer = all(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("4 bytes\n"), "{answer:?}");
    }
    let (stop, started) = (CancellationToken::new(), Instant::now());
    let mut client = listener.client_until(&stop).await;
    stop.cancel();
    assert_eq!(all(&mut client).await, "");
    assert!(started.elapsed() <= SECOND, "{:?}", started.elapsed());
}
