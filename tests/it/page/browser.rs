//! Chromium, driven through the protocol of the W3C (<https://www.w3.org/TR/webdriver2/>).

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use telekommo::sandbox::harness::unused_address;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, interval, timeout},
};

use crate::support::WITHIN;

/// How the protocol names an element in its answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How often a condition on the page is looked at: the protocol has no way to be told.
/// How often something may have been put anew before it is clicked on.
const CLICKS: usize = 10;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where the browser keeps to itself: no network of its own, no first-run pages.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-color-scheme=light",
];

/// A browser with one window. Both of its processes end when this is dropped.
pub(crate) struct Browser {
    driver: Child,
    client: reqwest::Client,
    session: String,
    profile: TempDir,
}

/// Something on the page.
pub(crate) struct Element {
    client: reqwest::Client,
    session: String,
    /// What means it, should the page put another one in its place.
    selector: String,
    id: String,
}

fn program(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where programs are is not the bridge's configuration")]
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.exists())
}

impl Browser {
    /// Starts one, or says that this machine has none.
    pub(crate) async fn start() -> Option<Self> {
        let (Some(chromium), Some(chromedriver)) = (program("chromium"), program("chromedriver")) else {
            eprintln!("skipped: the page is tried where chromium and chromedriver are installed");
            return None;
        };
        let port = unused_address().port();
        let profile = tempfile::Builder::new().prefix("telekommo-page-").tempdir().unwrap();
        let mut driver = Command::new(chromedriver);
        // A group of its own, so that the browser goes with it whatever happens.
        driver.arg(format!("--port={port}")).process_group(0).kill_on_drop(true);
        let driver = driver.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(WITHIN).build().unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let mut this = Self { driver, client, session: base, profile };
        this.wait_for_driver().await;
        this.begin(&chromium).await;
        Some(this)
    }

    async fn wait_for_driver(&self) {
        let mut looks = interval(LOOK_EVERY);
        let deadline = Instant::now() + WITHIN;
        while self.client.get(format!("{}/status", self.session)).send().await.is_err() {
            assert!(Instant::now() < deadline, "chromedriver does not answer");
            looks.tick().await;
        }
    }

    async fn begin(&mut self, chromium: &Path) {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let flags: Vec<_> = FLAGS.into_iter().chain([profile.as_str()]).collect();
        let options = json!({ "binary": chromium, "args": flags });
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let answer = self.call("session", json!({ "capabilities": { "alwaysMatch": wanted } })).await;
        let id = answer["sessionId"].as_str().expect("a session has an id");
        self.session = format!("{}/session/{id}", self.session);
    }

    async fn call(&self, command: &str, arguments: Value) -> Value {
        post(&self.client, &format!("{}/{command}", self.session), arguments).await
    }

    /// Opens a page.
    pub(crate) async fn open(&self, url: &str) {
        self.call("url", json!({ "url": url })).await;
    }

    /// Gives the window this size.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.call("window/rect", json!({ "width": width, "height": height })).await;
    }

    /// Shows the page in a window of this size, which may be smaller than a real one, and in light or dark colours.
    pub(crate) async fn emulate(&self, width: u32, height: u32, scheme: &str) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        for (cmd, params) in [("Emulation.setDeviceMetricsOverride", metrics), ("Emulation.setEmulatedMedia", media)] {
            self.call("goog/cdp/execute", json!({ "cmd": cmd, "params": params })).await;
        }
    }

    /// The first element with this test id.
    pub(crate) async fn find(&self, test_id: &str) -> Element {
        self.select(&format!("[data-testid=\"{test_id}\"]")).await
    }

    /// The first element that a CSS selector means.
    pub(crate) async fn select(&self, selector: &str) -> Element {
        let (client, session) = (self.client.clone(), self.session.clone());
        let id = found(&client, &session, selector).await;
        Element { client, session, selector: selector.to_owned(), id }
    }

    /// What a script returns.
    pub(crate) async fn ask(&self, script: &str) -> Value {
        self.call("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Waits until a script returns true.
    pub(crate) async fn until(&self, what: &str, script: &str) {
        let mut looks = interval(LOOK_EVERY);
        let deadline = Instant::now() + WITHIN;
        while self.ask(script).await != json!(true) {
            assert!(
                Instant::now() < deadline,
                "never: {what}; the page says\n{}",
                self.ask("return document.body.innerText").await
            );
            looks.tick().await;
        }
    }

    /// Warnings and errors of the console.
    pub(crate) async fn console(&self) -> Vec<Value> {
        let log = self.call("se/log", json!({ "type": "browser" })).await;
        let grave = |entry: &Value| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING"));
        log.as_array().expect("a log is a list").iter().filter(|entry| grave(entry)).cloned().collect()
    }

    /// Keeps what the window shows, if `TELEKOMMO_SCREENSHOTS` names a folder for it.
    pub(crate) async fn screenshot(&self, name: &str) {
        #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests")]
        let Some(folder) = env::var_os("TELEKOMMO_SCREENSHOTS").map(PathBuf::from) else { return };
        let still = "return document.getAnimations().every(it => it.effect.getTiming().iterations === Infinity
            || it.playState === 'finished')";
        self.until("nothing moves", still).await;
        let answer = request(&self.client, Method::GET, &format!("{}/screenshot", self.session), String::new()).await;
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), base64(answer.as_str().expect("a picture"))).unwrap();
    }

    /// Closes the window and ends both processes.
    pub(crate) async fn quit(mut self) {
        request(&self.client, Method::DELETE, &self.session, String::new()).await;
        self.driver.start_kill().unwrap();
        timeout(WITHIN, self.driver.wait()).await.expect("chromedriver ends").unwrap();
    }
}

impl Drop for Browser {
    /// After a failure the browser is still there: it goes with its driver's group.
    fn drop(&mut self) {
        let group = self.driver.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Element {
    /// Clicks on it, or on what the page has put in its place meanwhile.
    pub(crate) async fn click(&self) {
        let mut id = self.id.clone();
        for _ in 0..CLICKS {
            let url = format!("{}/element/{id}/click", self.session);
            match answer(&self.client, Method::POST, &url, "{}".to_owned()).await {
                Err(error) if error["error"] == "stale element reference" => {
                    id = found(&self.client, &self.session, &self.selector).await;
                }
                Ok(_) => return,
                Err(error) => panic!("{url}: {error:#}"),
            }
        }
        panic!("{} is put anew all the time", self.selector);
    }

    /// Types into it.
    pub(crate) async fn write(&self, text: &str) {
        let url = format!("{}/element/{}/value", self.session, self.id);
        post(&self.client, &url, json!({ "text": text })).await;
    }
}

async fn post(client: &reqwest::Client, url: &str, arguments: Value) -> Value {
    request(client, Method::POST, url, arguments.to_string()).await
}

async fn request(client: &reqwest::Client, method: Method, url: &str, body: String) -> Value {
    answer(client, method, url, body).await.unwrap_or_else(|error| panic!("{url}: {error:#}"))
}

/// What the driver answers, be it an error.
async fn answer(client: &reqwest::Client, method: Method, url: &str, body: String) -> Result<Value, Value> {
    let answer =
        client.request(method, url).header("Content-Type", "application/json").body(body).send().await.unwrap();
    let succeeded = answer.status().is_success();
    let mut answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let value = answer["value"].take();
    if succeeded { Ok(value) } else { Err(value) }
}

/// The id of the first element that a CSS selector means.
async fn found(client: &reqwest::Client, session: &str, selector: &str) -> String {
    let element = json!({ "using": "css selector", "value": selector });
    let found = post(client, &format!("{session}/element"), element).await;
    found[ELEMENT].as_str().expect("an element has an id").to_owned()
}

/// Reads base64, as pictures come.
fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte);
    let digits: Vec<_> = text.as_bytes().iter().filter_map(digit).collect();
    let bytes = |group: &[usize]| {
        let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
        [16, 8, 0]
            .map(|shift| u8::try_from(bits >> shift & 0xFF).unwrap())
            .into_iter()
            .take(group.len() - 1)
            .collect::<Vec<_>>()
    };
    digits.chunks(4).flat_map(bytes).collect()
}

#[test]
fn pictures_are_read() {
    for (text, bytes) in [("AAEC", &[0, 1, 2][..]), ("/w==", &[255]), ("/+8=", &[255, 239]), ("", &[])] {
        assert_eq!(base64(text), bytes, "{text}");
    }
}
