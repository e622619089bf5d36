//! HTTPS by the bridge itself: `[server.tls]`.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use chrono::Utc;
use rcgen::{CertificateParams, date_time_ymd};
use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, ServerName};
use telekommo::{
    sandbox::harness::{ANNA, Harness, LINES, Line, unused_address},
    serve::{HERE, HTTPS_ONLY},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_rustls::client::TlsStream;

use super::{
    certificate::{ending, in_days},
    pki::Authority,
    proxies::spawn,
};
use crate::{
    alerts::{inbox::Inbox, settings},
    binary::{
        handover::handed,
        process::{Process, finished, run, text, with_config},
    },
    support::{BRISK, WITHIN, conversation, eventually},
};

const SALES: Line = LINES[0];
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";

/// A bridge that speaks HTTPS by itself.
struct Secure {
    stage: Harness,
    authority: Authority,
    listen: SocketAddr,
    certificate: PathBuf,
    key: PathBuf,
}

impl Secure {
    /// One that does not run yet, with a certificate that ends in so many days.
    fn new(days: u64, settings: &str) -> Self {
        let (mut stage, authority) = (Harness::without_bridge("").unwrap(), Authority::new());
        let listen = unused_address();
        let tls = "server.tls.certificate = \"cert.pem\"\nserver.tls.key = \"key.pem\"\n";
        let address = format!("server.listen = \"{listen}\"\nserver.public_url = \"https://{listen}\"\n");
        stage.configure(&format!("{settings}{address}{tls}"));
        let file = stage.write_config().unwrap();
        let (certificate, key) = (file.with_file_name("cert.pem"), file.with_file_name("key.pem"));
        authority.put(&ending(in_days(days)), &certificate, &key);
        authority.write(&file.with_file_name("ca.pem"));
        Self { stage, authority, listen, certificate, key }
    }

    async fn start(&self) -> Process {
        let mut command = run(&self.stage);
        command.env("SSL_CERT_FILE", self.stage.dir().join("ca.pem"));
        Process::start(&self.stage, command).await
    }

    /// Writes another certificate.
    fn put(&self, params: &CertificateParams) -> CertificateDer<'static> {
        self.authority.put(params, &self.certificate, &self.key)
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.listen).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        self.authority.connector(&["h2", "http/1.1"]).connect(name, stream).await.unwrap()
    }

    /// The certificate that a new client is shown.
    async fn shown(&self) -> CertificateDer<'static> {
        let client = self.connect().await;
        client.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    /// What `telekommo reload` says, and its exit code.
    async fn reload(&self) -> (Option<i32>, String) {
        let output = finished(with_config("reload", &self.stage.dir().join("config.toml"))).await;
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    }

    /// What is wrong, as the bridge says.
    async fn ready(&self, process: &Process) -> String {
        let admin = process.ports().await.admin;
        reqwest::get(format!("http://{admin}/ready")).await.unwrap().text().await.unwrap()
    }
}

/// Lets the fakes, which speak plain HTTP, reach the bridge.
async fn wrapping(secure: &Secure) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, there) = (listener.local_addr().unwrap(), secure.listen);
    let connector = secure.authority.connector(&["http/1.1"]);
    spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let there = TcpStream::connect(there).await.unwrap();
            let mut there = connector.connect(name, there).await.unwrap();
            spawn(async move { drop(copy_bidirectional(&mut stream, &mut there).await) });
        }
    });
    address
}

async fn answer(stream: &mut TlsStream<TcpStream>) -> String {
    let mut answer = String::new();
    timeout(WITHIN, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn hooks_come_by_https_and_plain_http_is_told_so() {
    let secure = Secure::new(60, BRISK);
    let process = secure.start().await;
    secure.stage.hooks_go_to(wrapping(&secure).await);
    secure.stage.telegram.write(SALES.token, ANNA, "hello");
    let is_there = |stage: &Harness| stage.kommo.chat(&conversation(SALES, ANNA)).is_some();
    secure.stage.until("the customer is in Kommo", WITHIN, is_there).await.unwrap();
    secure.stage.kommo.reply(&conversation(SALES, ANNA), "Maria", "good day").await;
    let is_there = |stage: &Harness| stage.telegram.messages(SALES.token, ANNA).iter().any(|it| it.text == "good day");
    secure.stage.until("the answer is at the customer's", WITHIN, is_there).await.unwrap();

    let mut client = secure.connect().await;
    assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    client.write_all(GET).await.unwrap();
    assert!(answer(&mut client).await.ends_with(HERE));
    let plain = reqwest::get(format!("http://{}/kommo/x", secure.listen)).await.unwrap();
    assert_eq!((plain.status().as_u16(), plain.text().await.unwrap().as_str()), (400, HTTPS_ONLY));
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn a_changed_pair_is_in_force_for_whoever_connects_then() {
    let secure = Secure::new(60, BRISK);
    let process = secure.start().await;
    let mut before = secure.connect().await;
    before.write_all(&GET[..20]).await.unwrap();
    let next = secure.put(&ending(in_days(61)));
    eventually("the files are read again", async || secure.shown().await == next).await;
    before.write_all(&GET[20..]).await.unwrap();
    assert!(answer(&mut before).await.ends_with(HERE), "who was connected is served to the end");
    process.logged("another certificate is in force").await;

    let next = secure.put(&ending(in_days(62)));
    let (code, said) = secure.reload().await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(secure.shown().await, next, "a reload does not wait for the next look");
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn a_listener_that_systemd_has_handed_over_speaks_https_also_across_a_restart() {
    let secure = Secure::new(60, BRISK);
    let listener = std::net::TcpListener::bind(secure.listen).unwrap();
    let mut command = run(&secure.stage);
    command.env("SSL_CERT_FILE", secure.stage.dir().join("ca.pem"));
    let start = || Process::spawn(handed(&command, &listener, "public"));
    let process = start();
    assert_eq!(process.ports().await.hooks, secure.listen);
    let first = secure.shown().await;
    assert!(process.end(Signal::TERM).await.status.success());
    let whoever_comes_meanwhile = secure.shown();
    let (shown, process) = tokio::join!(whoever_comes_meanwhile, async {
        let process = start();
        process.ports().await;
        process
    });
    assert_eq!(shown, first);
    let plain = reqwest::get(format!("http://{}/kommo/x", secure.listen)).await.unwrap();
    assert_eq!(plain.text().await.unwrap(), HTTPS_ONLY);
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn what_begins_later_is_in_force_once_it_has_begun() {
    let secure = Secure::new(60, BRISK);
    let process = secure.start().await;
    let first = secure.shown().await;
    let now = Duration::from_secs(Utc::now().timestamp().try_into().unwrap());
    let mut params = ending(in_days(90));
    params.not_before = date_time_ymd(1970, 1, 1) + now + Duration::from_secs(8);
    let next = secure.put(&params);
    eventually("it is refused", async || secure.ready(&process).await.contains("and not today")).await;
    assert_eq!(secure.shown().await, first);
    eventually("its time has come", async || secure.shown().await == next).await;
    assert!(!secure.ready(&process).await.contains("certificate: "));
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn what_cannot_be_used_leaves_the_former_in_force_and_is_told() {
    let secure = Secure::new(60, BRISK);
    let process = secure.start().await;
    let first = secure.shown().await;
    let whole = fs::read(&secure.certificate).unwrap();
    let key = fs::read(&secure.key).unwrap();
    // One that has ended.
    secure.put(&ending(in_days(0)));
    let ended = (fs::read(&secure.certificate).unwrap(), fs::read(&secure.key).unwrap());
    for (certificate, key, says) in [
        (b"hush".to_vec(), key.clone(), "server.tls.certificate: "),
        (whole.clone(), ended.1.clone(), "is not the key of the certificate in"),
        (ended.0, ended.1, "and not today: renew it"),
    ] {
        fs::write(&secure.certificate, certificate).unwrap();
        fs::write(&secure.key, key).unwrap();
        let (code, said) = secure.reload().await;
        assert!(code == Some(2) && said.contains(says) && !said.contains("hush"), "{says}: {code:?} {said}");
        let ready = secure.ready(&process).await;
        assert!(ready.contains("certificate: server.tls.") && ready.contains("stays in force"), "{says}: {ready}");
        assert_eq!(secure.shown().await, first, "{says}");
    }
    // The files are looked at by themselves, too: once they are as they were, nothing is wrong.
    fs::write(&secure.certificate, whole).unwrap();
    fs::write(&secure.key, key).unwrap();
    eventually("it is well again", async || !secure.ready(&process).await.contains("certificate: ")).await;
    fs::remove_file(&secure.key).unwrap();
    eventually("it is missed", async || secure.ready(&process).await.contains("key.pem does not exist")).await;
    assert_eq!(secure.shown().await, first);
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn slow_handshakes_do_not_hold_up_others() {
    let secure = Secure::new(60, BRISK);
    let process = secure.start().await;
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(secure.listen).await.unwrap();
        stream.write_all(&[0x16, 3, 1]).await.unwrap();
        slow.push(stream);
    }
    let begun = Instant::now();
    let mut client = secure.connect().await;
    client.write_all(GET).await.unwrap();
    assert!(answer(&mut client).await.ends_with(HERE));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test]
async fn a_start_without_a_good_pair_says_what_to_do_and_a_check_does() {
    let secure = Secure::new(60, BRISK);
    let file = secure.stage.dir().join("config.toml");
    let check = async || {
        let mut command = with_config("check", &file);
        command.env("SSL_CERT_FILE", secure.stage.dir().join("ca.pem"));
        let output = finished(command).await;
        text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said = check().await;
    let good = format!("cert.pem is for 127.0.0.1, from 1975-01-01 until {}", in_days(60));
    assert!(said.contains(&good) && said.contains(&format!("https://{}", secure.listen)), "{said}");
    assert!(said.contains("it leads to this telekommo"), "a check stands in for the bridge: {said}");

    secure.put(&ending(in_days(9)));
    let said = check().await;
    assert!(said.contains("which is in 8 days") && said.contains("see to it that it is renewed"), "{said}");
    secure.put(&CertificateParams::new(["other.test".to_owned()]).unwrap());
    let said = check().await;
    assert!(said.contains("and not for 127.0.0.1: get one for the host of server.public_url"), "{said}");

    fs::write(&secure.key, "hush").unwrap();
    let said = check().await;
    assert!(said.contains("server.tls.key: ") && said.contains("has no key"), "{said}");
    let ended = Process::spawn(run(&secure.stage)).ended().await;
    // systemd tries again after this exit code: the files may be there the next time.
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("server.tls.key: ") && ended.stderr.contains("has no key"), "{}", ended.stderr);
}

/// What is told of a bridge whose own certificate ends in so many days: the events and the first text.
async fn told(days: u64) -> (Vec<String>, String) {
    let inbox = Inbox::open().await;
    let brisk = BRISK.replace("kommo.connect_on_start = false", "");
    let secure = Secure::new(days, &format!("{brisk}{}", settings(&inbox, "")));
    let process = secure.start().await;
    eventually("it is told", async || !inbox.events().is_empty()).await;
    assert!(process.end(Signal::TERM).await.status.success());
    (inbox.events(), inbox.texts().first().cloned().unwrap_or_default())
}

#[tokio::test]
async fn a_certificate_of_its_own_that_ends_soon_or_has_ended_is_told_once() {
    let (events, text) = told(9).await;
    assert_eq!(events, ["told certificate"]);
    let said = format!("the certificate of 127.0.0.1 ends on {}, in 8 days", in_days(9));
    assert!(text.contains(&said), "{text}");
    let (events, text) = told(0).await;
    assert_eq!(events, ["told public_address"], "{text}");
    assert!(text.contains("the certificate has expired"), "{text}");
}
