//! Bytes at the public route that no honest client sends.

use std::net::SocketAddr;

use reqwest::Url;
use telekommo::sandbox::harness::{ANNA, LINES, Line};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{raw, readers::imported_as};
use crate::support::{TestStage, WITHIN, conversation};

const SALES: Line = LINES[0];
const STRANGER: &str = "127.0.0.2";
/// How much of what is refused is answered with the reason.
const REFUSALS: usize = 60;

/// A bridge, and a hook that it would take.
struct Route {
    stage: TestStage,
    at: SocketAddr,
    path: String,
    hook: String,
    signature: String,
}

impl Route {
    async fn open() -> Self {
        let stage = TestStage::start().await;
        stage.begin(SALES, ANNA).await;
        let id = raw::unannounced(&stage, SALES, ANNA, "x").await;
        let hook = raw::message(&id, &conversation(SALES, ANNA), "hello").to_string();
        let signature = raw::signature(&stage, hook.as_bytes());
        let at = stage.bridge().expect("the bridge runs").public_addr();
        let path = format!("/kommo/{}", stage.kommo.settings().scope_id());
        Self { stage, at, path, hook, signature }
    }

    /// The good hook under an address, with these fields.
    fn signed(&self, target: &str, version: &str, fields: &str, body: &str) -> String {
        format!("POST {target} {version}\r\nhost: x\r\nx-signature: {}\r\n{fields}\r\n{body}", self.signature)
    }

    /// The good hook, as anybody would send it, from `fields` on.
    fn good(&self, fields: &str) -> String {
        self.signed(&self.path, "HTTP/1.1", &format!("content-length: {}\r\n{fields}", self.hook.len()), &self.hook)
    }

    async fn connect(&self, from: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        socket.connect(self.at).await.unwrap()
    }

    /// What somebody at this address gets for these bytes, until the connection is closed.
    async fn answer_to(&self, from: &str, bytes: &str) -> String {
        let mut stream = self.connect(from).await;
        let exchange = async {
            stream.write_all(bytes.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        timeout(WITHIN, exchange).await.expect("the connection is closed")
    }

    async fn answer(&self, bytes: &str) -> String {
        self.answer_to("127.0.0.1", bytes).await
    }

    async fn status_for(&self, from: &str, bytes: &str) -> u16 {
        status(&self.answer_to(from, bytes).await)
    }
}

/// The status of the one answer.
fn status(answer: &str) -> u16 {
    // A reason may name the protocol as well, and is followed by no space.
    let answers = ["HTTP/1.1 ", "HTTP/1.0 "].iter().map(|begin| answer.matches(begin).count()).sum::<usize>();
    assert_eq!(answers, 1, "one answer: {answer}");
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("an answer: {answer}"))
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hook_is_taken_that_another_reader_might_not_see_as_one() {
    let route = Route::open().await;
    let (good, length, hook) = (route.good(""), route.hook.len(), &route.hook);
    let chunks = chunked(hook);
    for (fields, body) in [
        (format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", chunks.len()), chunks.clone()),
        (format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", chunks.len()), chunks.clone()),
        ("transfer-encoding: chunked, identity\r\n".to_owned(), chunks.clone()),
        ("transfer-encoding: identity, chunked\r\n".to_owned(), chunks.clone()),
        ("transfer-encoding : chunked\r\n".to_owned(), chunks.clone()),
        (format!("content-length: {length}\r\ncontent-length: {length}\r\n"), hook.clone()),
        (format!("content-length: {length}\r\ncontent-length: 0\r\n"), hook.clone()),
        (format!("content-length: +{length}\r\n"), hook.clone()),
        (format!("content-length : {length}\r\n"), hook.clone()),
        (format!("content-length: {length}\r\nx: a\r\n b\r\n"), hook.clone()),
        (format!("content-length: {length}\r\nx: a\0\r\n"), hook.clone()),
        (format!("content-length: {length}\r\nx: a\nb: c\r\n"), hook.clone()),
        ("content-length: 0\r\nhost: y\r\n".to_owned(), good.clone()),
    ] {
        let answer = route.answer(&route.signed(&route.path, "HTTP/1.1", &fields, &body)).await;
        assert_eq!((status(&answer), route.stage.waiting()), (400, 0), "{fields:?}: {answer}");
    }
    for (what, bytes) in [
        ("another line's end", good.replace("\r\n", "\n")),
        ("HTTP/0.9", "GET /\r\n\r\n".to_owned()),
        ("HTTP/2", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{good}")),
        ("an empty line before", format!("\r\n\r\n{good}")),
        ("TLS", format!("\u{16}\u{3}\u{1}{good}")),
        ("no host", good.replace("host: x\r\n", "")),
    ] {
        assert_eq!((status(&route.answer(&bytes).await), route.stage.waiting()), (400, 0), "{what}");
    }
    // Behind a request that was refused or answered, nothing is read.
    for first in [good.replace("host: x", "host : x"), "GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()] {
        let answer = route.answer(&format!("{first}{good}")).await;
        assert!(matches!(status(&answer), 400 | 404) && route.stage.waiting() == 0, "{answer}");
    }
    for (what, bytes) in [
        ("chunks", route.signed(&route.path, "HTTP/1.1", "transfer-encoding: chunked\r\n", &chunks)),
        ("HTTP/1.0", good.replace("HTTP/1.1", "HTTP/1.0")),
        ("a whole address", good.replace(&route.path, &format!("http://elsewhere.test{}", route.path))),
        ("pipelined", format!("{good}{good}")),
        ("as usual", good),
    ] {
        assert_eq!(status(&route.answer(&bytes).await), 200, "{what}");
    }
    route.stage.until_settled().await;
    route.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_or_no_body_at_all_is_refused_as_soon_as_that_is_seen() {
    let route = Route::open().await;
    let limit = 1024 * 1024;
    let announced = format!("content-length: {}\r\n", limit + 1);
    for (what, fields, body, want) in [
        ("announced", announced.clone(), String::new(), 413),
        ("announced, and asked for leave", format!("{announced}expect: 100-continue\r\n"), String::new(), 413),
        ("in chunks", "transfer-encoding: chunked\r\n".to_owned(), chunked(&"x".repeat(limit + 1)), 413),
        ("no chunks", "transfer-encoding: chunked\r\n".to_owned(), "ZZ\r\n".to_owned(), 400),
        ("a signed size", "transfer-encoding: chunked\r\n".to_owned(), "+2\r\n{}\r\n0\r\n\r\n".to_owned(), 400),
        ("bare line ends", "transfer-encoding: chunked\r\n".to_owned(), "2\n{}\n0\n\n".to_owned(), 400),
        ("a huge size", "transfer-encoding: chunked\r\n".to_owned(), format!("{}\r\n", "f".repeat(40)), 400),
        ("an extension", "transfer-encoding: chunked\r\n".to_owned(), format!("2;{}", "x".repeat(40_000)), 400),
        (
            "trailers",
            "transfer-encoding: chunked\r\n".to_owned(),
            format!("2\r\n{{}}\r\n0\r\n{}", "x: y\r\n".repeat(8_000)),
            400,
        ),
        ("endless fields", "x: y\r\n".repeat(8_000), String::new(), 431),
        ("many fields", "x: y\r\n".repeat(200), String::new(), 431),
    ] {
        let answer = route.answer(&route.signed(&route.path, "HTTP/1.1", &fields, &body)).await;
        assert_eq!((status(&answer), route.stage.waiting()), (want, 0), "{what}: {answer}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(40_000));
    assert_eq!(route.status_for("127.0.0.1", &long).await, 431);
    // Nobody is let go on whose body is worth nothing.
    let unsigned = route.good("expect: 100-continue\r\n").replace("x-signature", "x-other");
    let head = unsigned.split_inclusive("\r\n\r\n").next().unwrap();
    assert_eq!(route.status_for("127.0.0.1", head).await, 401);
    let answer = route.answer(&route.good("expect: 100-continue\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{answer}");
    route.stage.until_settled().await;
    route.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_and_other_targets_lead_nowhere() {
    let route = Route::open().await;
    let link = imported_as(&route.stage, Some("image/png"), "x.png");
    let methods = ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "post", "X-Y"];
    for (number, method) in methods.into_iter().enumerate() {
        // Each is somebody else's, so that there are not too many of one.
        let from = format!("127.0.1.{number}");
        let ask = |target: &str| format!("{method} {target} HTTP/1.1\r\nhost: x\r\nx-secret: hush\r\n\r\n");
        for target in ["/", &route.path, "*", "x:443", "http://x/", "http://x/kommo"] {
            let answer = route.answer_to(&from, &ask(target)).await;
            assert!(matches!(status(&answer), 400 | 404) && !answer.contains("hush"), "{method} {target}: {answer}");
        }
        let answer = route.answer_to(&from, &ask(link.path())).await;
        assert_eq!(status(&answer), if method == "HEAD" { 200 } else { 405 }, "{method}: {answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
    }
    assert_eq!(route.stage.waiting(), 0);
    route.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_out_of_the_folder_and_no_file_is_a_page() {
    let route = Route::open().await;
    let link = imported_as(&route.stage, None, "x.bin");
    let (head, _) = link.path().rsplit_once('/').unwrap();
    for path in [
        "/media/../../etc/passwd",
        "/media/..%2f..%2fetc%2fpasswd",
        "/media/%2e%2e/%2e%2e/etc/passwd",
        "/media/%252e%252e%252fetc",
        "/media/..\\..\\etc",
        "/media/%c0%ae%c0%ae/etc",
        "/media//etc/passwd",
        "/media/./x",
        "/media/x%00.png",
        "/../media/../store",
        &format!("/x/..{head}/x"),
        &format!("/media/..{head}/x"),
        &format!("{head}./x"),
    ] {
        assert_eq!(
            route.status_for("127.0.0.1", &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await,
            404,
            "{path}"
        );
    }
    // What stands behind a link is for people, and leads nowhere.
    for tail in ["/../../../etc/passwd", "/%2e%2e%2fsecret", "/x.html"] {
        let answer = route.answer(&format!("HEAD {head}{tail} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert!(status(&answer) == 200 && answer.contains("filename=\"x.bin\""), "{tail}: {answer}");
    }
    for (kind, served, shown) in [
        ("text/html", "application/octet-stream", "attachment"),
        ("image/svg+xml", "application/octet-stream", "attachment"),
        ("application/xhtml+xml; charset=utf-8", "application/octet-stream", "attachment"),
        ("text/xml", "application/octet-stream", "attachment"),
        ("text/plain", "text/plain", "attachment"),
        ("application/pdf", "application/pdf", "attachment"),
        ("image/png", "image/png", "inline"),
    ] {
        let link = imported_as(&route.stage, Some(kind), "page.html");
        for fields in ["", "range: bytes=0-9\r\n", "range: bytes=99999999-\r\n", "accept: text/html\r\n"] {
            let answer = route.answer(&format!("HEAD {} HTTP/1.1\r\nhost: x\r\n{fields}\r\n", link.path())).await;
            for told in [
                &format!("content-type: {served}\r\n"),
                &format!("content-disposition: {shown}; "),
                "content-security-policy: sandbox\r\n",
                "x-content-type-options: nosniff\r\n",
            ] {
                assert!(answer.contains(told), "{kind} {fields}: {answer}");
            }
        }
    }
    route.stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_much_that_is_refused_is_told_so_and_signed_hooks_of_the_same_address_pass() {
    let route = Route::open().await;
    let link: Url = imported_as(&route.stage, None, "x.bin");
    let unsigned = route.good("").replace("x-signature", "x-other");
    let wrong = route.good("").replace(&route.signature, &"0".repeat(40));
    let asked = format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", route.path);
    let bent = "GET /media/e30.AAAA/x HTTP/1.1\r\nhost: x\r\n\r\n";
    let read = format!("HEAD {} HTTP/1.1\r\nhost: x\r\n\r\n", link.path());
    let refused = [(&*unsigned, 401), (&*wrong, 401), (&*asked, 404), (bent, 404)];
    for (bytes, want) in refused.into_iter().cycle().take(REFUSALS) {
        assert_eq!(route.status_for(STRANGER, bytes).await, want);
    }
    for (bytes, _) in refused {
        let answer = route.answer_to(STRANGER, bytes).await;
        assert!(status(&answer) == 429 && answer.contains("retry-after: 60\r\n"), "{answer}");
    }
    // Nor are visits limited: a health check, and `telekommo check`, hear who is here.
    for _ in 0..=REFUSALS {
        let answer = route.answer_to(STRANGER, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(status(&answer) == 404 && answer.ends_with(telekommo::serve::HERE), "{answer}");
    }
    assert_eq!(route.status_for(STRANGER, &read).await, 200, "a good link");
    assert_eq!(route.status_for(STRANGER, &route.good("")).await, 200, "a signed hook");
    assert_eq!(route.status_for("127.0.0.3", &unsigned).await, 401, "somebody else");
    // A stranger's word is not believed, and a trusted web server's is.
    let said = |hops: &str| unsigned.replace("host: x", &format!("host: x\r\nx-forwarded-for: {hops}"));
    assert_eq!(route.status_for(STRANGER, &said("192.0.2.7")).await, 429);
    assert_eq!(route.status_for("127.0.0.1", &said("192.0.2.7")).await, 401);
    assert_eq!(route.status_for("127.0.0.1", &said(STRANGER)).await, 429);
    assert_eq!(route.status_for("127.0.0.1", &said(&format!("192.0.2.7, {STRANGER}"))).await, 429);
    assert_eq!(route.status_for("127.0.0.1", &said(&format!("{STRANGER}, 192.0.2.7"))).await, 401);
    assert_eq!(route.status_for("127.0.0.1", &said(&format!("{STRANGER}, nonsense"))).await, 401);
    route.stage.until_settled().await;
    route.stage.finish().await;
}
