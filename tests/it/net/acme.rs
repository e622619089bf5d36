//! A certificate by ACME, from an authority that is as strict as the real ones.

mod directory;
mod jose;
mod proof;
mod routes;

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use directory::Directory;
use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;
use telekommo::{
    sandbox::harness::{Harness, unused_address},
    serve::HERE,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    binary::process::{Process, finished, run, text, with_config},
    support::{BRISK, eventually},
};

const HOST: &str = "hooks.example.com";
const DAYS: Duration = Duration::from_hours(90 * 24);

/// A bridge that gets its certificate from an authority.
struct Secure {
    stage: Harness,
    directory: Directory,
    listen: SocketAddr,
}

impl Secure {
    /// The authority signs for this long, and finds this bridge by the name unless it `is_led_astray`.
    async fn new(lifetime: Duration, is_led_astray: bool) -> Self {
        let (mut stage, listen) = (Harness::without_bridge("").unwrap(), unused_address());
        let leads_to = if is_led_astray { unused_address() } else { listen };
        let directory = Directory::open(leads_to, lifetime).await;
        let url = directory.url();
        stage.configure(&format!(
            "{BRISK}server.listen = \"{listen}\"\nserver.public_url = \"https://{listen}\"\nserver.tls.acme = \
             \"{HOST}\"\nserver.tls.acme_email = \"me@example.com\"\nserver.tls.acme_directory = \"{url}\"\n"
        ));
        stage.write_config().unwrap();
        directory.authority().write(&stage.dir().join("ca.pem"));
        Self { stage, directory, listen }
    }

    async fn start(&self) -> Process {
        let mut command = run(&self.stage);
        command.env("SSL_CERT_FILE", self.stage.dir().join("ca.pem"));
        Process::start(&self.stage, command).await
    }

    /// The certificate that a client is shown which trusts the authority, if it gets an answer, too.
    async fn shown(&self) -> Option<CertificateDer<'static>> {
        let stream = TcpStream::connect(self.listen).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let mut client = self.directory.authority().connector(&["http/1.1"]).connect(name, stream).await.ok()?;
        client.write_all(b"GET / HTTP/1.1\r\nhost: hooks.example.com\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with(HERE), "{answer}");
        Some(client.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned())
    }

    async fn is_shown(&self) -> CertificateDer<'static> {
        eventually("there is a certificate", async || self.shown().await.is_some()).await;
        self.shown().await.unwrap()
    }

    /// What is wrong, as the bridge says.
    async fn ready(&self, process: &Process) -> String {
        let admin = process.ports().await.admin;
        reqwest::get(format!("http://{admin}/ready")).await.unwrap().text().await.unwrap()
    }

    async fn is_told(&self, process: &Process, words: &str) {
        eventually(words, async || self.ready(process).await.contains(words)).await;
    }

    /// What a check says of the certificate.
    async fn check(&self) -> String {
        let output = finished(with_config("check", &self.stage.dir().join("config.toml"))).await;
        text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// A file in the folder of the one directory.
    fn kept(&self, name: &str) -> PathBuf {
        let folders = fs::read_dir(self.stage.dir().join("data/acme")).unwrap();
        let folders: Vec<_> = folders.map(|folder| folder.unwrap().path()).collect();
        let [folder] = &folders[..] else { panic!("{folders:?}") };
        folder.join(name)
    }
}

async fn end(process: Process) {
    let ended = process.end(Signal::TERM).await;
    assert!(ended.status.success(), "{}", ended.stderr);
}

#[tokio::test]
async fn a_start_gets_a_certificate_and_the_next_one_has_it() {
    let secure = Secure::new(DAYS, false).await;
    let process = secure.start().await;
    let first = secure.is_shown().await;
    process.logged("the public listener speaks HTTPS").await;
    eventually("it is well", async || !secure.ready(&process).await.contains("certificate: ")).await;
    assert!(secure.check().await.contains(&format!("is for {HOST}, from ")));
    assert_eq!((secure.directory.counts(), secure.directory.accounts()), ((1, 0), 1));
    end(process).await;
    for name in ["account.json", "hooks.example.com.tries.json", "hooks.example.com.pem"] {
        assert_eq!(fs::metadata(secure.kept(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let process = secure.start().await;
    assert_eq!(secure.shown().await, Some(first), "at once, and the same");
    assert_eq!(secure.directory.counts(), (1, 0));
    end(process).await;
}

#[tokio::test]
async fn a_certificate_is_renewed_ahead_of_its_end_and_a_failure_is_told() {
    let secure = Secure::new(Duration::from_secs(11), false).await;
    let process = secure.start().await;
    let first = secure.is_shown().await;
    eventually("it is renewed", async || secure.directory.counts().0 == 2).await;
    eventually("the next one is in force", async || secure.is_shown().await != first).await;
    assert_eq!(secure.directory.accounts(), 1);
    secure.directory.refuse(Some("rateLimited"));
    secure.is_told(&process, "certificate: no certificate could be obtained for hooks.example.com: ").await;
    let ready = secure.ready(&process).await;
    assert!(ready.contains("too many certificates already issued") && ready.contains("stays in force"), "{ready}");
    end(process).await;
}

#[tokio::test]
async fn an_account_that_the_authority_has_forgotten_is_made_anew() {
    let secure = Secure::new(Duration::from_secs(11), false).await;
    let process = secure.start().await;
    secure.is_shown().await;
    let before = fs::read(secure.kept("account.json")).unwrap();
    secure.directory.forget_accounts();
    eventually("it is renewed all the same", async || secure.directory.counts().0 == 2).await;
    assert_eq!(secure.directory.accounts(), 1);
    assert_ne!(fs::read(secure.kept("account.json")).unwrap(), before);
    end(process).await;
}

#[tokio::test]
async fn restarts_ask_no_more_often_than_the_authority_allows() {
    let secure = Secure::new(DAYS, false).await;
    secure.directory.refuse(Some("rateLimited"));
    for _ in 0..3 {
        let process = secure.start().await;
        secure.is_told(&process, "too many certificates already issued").await;
        secure.is_told(&process, "the public listener refuses all connections").await;
        assert_eq!(secure.shown().await, None);
        assert_eq!(secure.directory.counts(), (0, 1));
        end(process).await;
    }
    let said = secure.check().await;
    assert!(
        said.contains("there is no certificate for hooks.example.com yet") && said.contains("already issued"),
        "{said}"
    );
    // Long ago.
    fs::write(
        secure.kept("hooks.example.com.tries.json"),
        json!({ "failures": 1, "tried_at": 1_000, "why": "x" }).to_string(),
    )
    .unwrap();
    secure.directory.refuse(None);
    let process = secure.start().await;
    secure.is_shown().await;
    eventually("it is well", async || !secure.ready(&process).await.contains("certificate: ")).await;
    end(process).await;
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_told_with_what_to_do() {
    let secure = Secure::new(DAYS, true).await;
    let process = secure.start().await;
    secure.is_told(&process, "the authority does not reach this listener by the name: ").await;
    let ready = secure.ready(&process).await;
    assert!(ready.contains("Connection refused") && ready.contains("its port 443 to server.listen"), "{ready}");
    end(process).await;
}
