//! No secret in anything that the bridge says, whatever the test is about: its log, its pages, its output, its command
//! line.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    process::Command,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use telekommo::{
    admin::logging,
    config::{Log, LogFilter, LogFormat},
    sandbox::harness::{CHANNEL_SECRET, Harness, LINES, Line},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{BRISK, eventually};

/// How each token of the account begins.
const ACCESS_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9";
/// The passwords of proxies, as they are, as an address has them, and with their user as the header has them.
const PASSWORDS: [&str; 4] = ["hushpassword", "hush@password", "hush%40password", "aHVzaHVzZXI6"];

/// What the bridges of this process have logged though they must not.
static LOGGED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What is logged once so that it is seen whether anybody hears it. It is no secret.
const PROBE: &str = "whoever listens to the log hears this";
static HEARD: AtomicBool = AtomicBool::new(false);

/// Which lines have a secret in them.
pub(crate) fn leaks(text: &str) -> Vec<String> {
    let secrets = LINES.iter().map(Line::secret).chain([CHANNEL_SECRET, ACCESS_TOKEN]).chain(PASSWORDS);
    let secrets: Vec<_> = secrets.collect();
    let has_one = |line: &&str| secrets.iter().any(|secret| line.contains(secret));
    text.lines().filter(has_one).map(str::to_owned).collect()
}

/// Fails if a secret is in this text.
#[track_caller]
pub(crate) fn assert_hushed(what: &str, text: &str) {
    let leaks = leaks(text);
    assert!(leaks.is_empty(), "a secret is in {what}: {leaks:#?}");
}

/// Lets this process log everything, as a bridge's process would, and looks through it from now on.
pub(crate) fn listen(stage: &Harness) {
    static BEGUN: Once = Once::new();
    assert!(stage.kommo.access_token().starts_with(ACCESS_TOKEN), "the tokens of the fake begin otherwise now");
    BEGUN.call_once(|| {
        let level = LogFilter::parse("trace,hyper=trace,reqwest=trace,teloxide=trace,sled=trace").unwrap();
        logging::start_into(&Log { level, format: LogFormat::Text }, || Listener, false).unwrap();
        tracing::trace!(target: "telekommo::relay", "{PROBE}");
        assert!(HEARD.load(Ordering::Relaxed), "nobody hears what the bridges of this process log");
    });
}

/// Fails if a bridge of this process has logged a secret, in this test or in another.
pub(crate) fn assert_nothing_logged() {
    let logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(logged.is_empty(), "secrets were logged: {:#?}", *logged);
}

/// Where the log goes: each line is written by one call.
struct Listener;

impl Write for Listener {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        if text.contains(PROBE) {
            HEARD.store(true, Ordering::Relaxed);
        }
        let found = leaks(&text);
        if !found.is_empty() {
            LOGGED.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_secret_is_found_in_whatever_line() {
    let token = LINES[1].token;
    let said =
        format!("fine\nGET https://api.telegram.org/bot{token}/getMe failed\n{{\"key\":\"{CHANNEL_SECRET}\"}}\nfine");
    assert_eq!(leaks(&said).len(), 2, "{:?}", leaks(&said));
    assert_eq!(leaks(&format!("bearer {ACCESS_TOKEN}.eyJ.x")).len(), 1);
    assert_eq!(leaks("proxy http://hushuser:hush%40password@127.0.0.1").len(), 1);
    assert_eq!(leaks("bot 7000000001 is up").len(), 0);
}

#[test]
fn a_secret_that_a_fake_is_told_fails_the_test() {
    // In a process of its own: whoever judges the record of this one would find it there.
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["hush::every_fake_is_told_a_secret", "--exact", "--ignored", "--nocapture"]);
    let output = process.env_remove("TELEKOMMO_SANDBOX_RECORD").output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    for remote in ["telegram", "kommo", "kommo's account"] {
        assert!(said.contains(&format!("{remote} has received the channel's secret after")), "{remote}: {said}");
    }
}

#[tokio::test]
#[ignore = "another test runs it, in a process of its own"]
#[should_panic(expected = "secrets have leaked")]
async fn every_fake_is_told_a_secret() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let account = stage.kommo.account_url().trim_start_matches("http://").parse().unwrap();
    for fake in [stage.telegram.address(), stage.kommo.address(), account] {
        let mut stream = TcpStream::connect(fake).await.unwrap();
        let request = format!("GET /api/v4/account HTTP/1.1\r\nhost: x\r\nreferer: {CHANNEL_SECRET}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }
    eventually("all three have noticed", async || stage.leaks().len() == 3).await;
}
