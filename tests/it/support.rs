//! What the tests share.

use std::{
    ops::{AsyncFn, Deref, DerefMut},
    path::Path,
    thread,
    time::Duration,
};

use reqwest::header::{HeaderName, HeaderValue};
use telekommo::{
    lifecycle::Ended,
    sandbox::{
        harness::{Harness, Line},
        kommo::{Author, Status},
        telegram::Customer,
    },
    store::{Parked, Store},
};
use tokio::time::{Instant, sleep};

use crate::hush;

/// How long anything may take before a test fails. Nothing here takes nearly as long unless it is broken.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);
/// How often something is looked at that cannot tell when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Settings for a bridge that does not spend a test's time waiting. Most tests count what Kommo is asked, or let the
/// next request fail; so it connects only in those that say so.
pub(crate) const BRISK: &str = r#"
retry.kommo = ["50ms", "100ms", "200ms"]
retry.telegram = ["50ms", "100ms", "200ms", "400ms", "800ms"]
retry.probe_every = "200ms"
kommo.requests_per_second = 1000
telegram.requests_per_second = 1000
telegram.chat_requests_per_second = 1000
telegram.group_requests_per_minute = 60000
telegram.chat_burst = 1000
kommo.connect_on_start = false
"#;

/// A stage that checks, when the test is over, that nothing was left behind: no job waits, no message is parked and no
/// request failed, unless the test said so. Every test ends with [`TestStage::finish`].
pub(crate) struct TestStage {
    stage: Harness,
    leftovers_allowed: bool,
    failures_allowed: bool,
    finished: bool,
}

impl TestStage {
    /// Both fakes with a brisk bridge between them.
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// The same with more lines of configuration. What they set is left to them.
    pub(crate) async fn with(settings: &str) -> Self {
        Self::between(Harness::without_bridge("").expect("the fakes start"), settings).await
    }

    /// The same between fakes that run already.
    pub(crate) async fn between(mut stage: Harness, settings: &str) -> Self {
        let key = |line: &str| line.split_once(" = ").map(|(key, _)| key.to_owned());
        let set: Vec<_> = settings.lines().filter_map(key).collect();
        let brisk = BRISK.lines().filter(|line| key(line).is_none_or(|key| !set.contains(&key)));
        let brisk = brisk.collect::<Vec<_>>().join("\n");
        stage.configure(&format!("{brisk}\n{settings}"));
        hush::listen(&stage);
        stage.start_bridge().await.expect("the stage starts");
        Self { stage, leftovers_allowed: false, failures_allowed: false, finished: false }
    }

    /// A brisk bridge that does not give up an answer for as long as a test takes.
    pub(crate) async fn patient() -> Self {
        Self::retrying(&vec!["\"200ms\""; 300].join(", ")).await
    }

    /// A brisk bridge that tries an answer again after these `waits`.
    pub(crate) async fn retrying(waits: &str) -> Self {
        Self::with(&format!("retry.telegram = [{waits}]")).await
    }

    /// This test ends with jobs in the queue or messages set aside, and has looked at them.
    pub(crate) const fn allow_leftovers(&mut self) {
        self.leftovers_allowed = true;
    }

    /// In this test, requests to the fakes fail on purpose.
    pub(crate) const fn allow_failures(&mut self) {
        self.failures_allowed = true;
    }

    /// Waits until `condition` holds.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Harness) -> bool) {
        let outcome = self.stage.until(what, WITHIN, condition).await;
        assert!(outcome.is_ok(), "{outcome:?}");
    }

    /// The running bridge's store.
    pub(crate) fn store(&self) -> Store {
        self.bridge().expect("the bridge runs").store().clone()
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.store().counts().routes.iter().map(|(_, queue)| queue.waiting).sum()
    }

    /// Waits until no job is left. A remote shows a result shortly before its job is settled.
    pub(crate) async fn until_settled(&self) {
        eventually("the queue is empty", async || self.waiting() == 0).await;
    }

    /// The messages that were set aside, once there are `count` of them.
    pub(crate) async fn parked(&self, count: usize) -> Vec<Parked> {
        self.until_settled().await;
        let parked = self.store().parked(1000).expect("the store can be read");
        assert_eq!(parked.len(), count, "{parked:#?}");
        parked
    }

    /// Ends the test: nothing may be left behind, and the bridge stops in good order.
    pub(crate) async fn finish(mut self) {
        self.finished = true;
        if !self.leftovers_allowed {
            self.parked(0).await;
        }
        if !self.failures_allowed {
            self.assert_no_failures();
        }
        assert_eq!(self.stop_bridge().await, Some(Ended::Stopped));
        hush::assert_nothing_logged();
    }

    fn assert_no_failures(&self) {
        let is_fine = |status: Option<u16>| status.is_some_and(|status| (200..300).contains(&status));
        let telegram: Vec<_> = self.telegram.requests().into_iter().filter(|it| !is_fine(it.status)).collect();
        let kommo: Vec<_> = self.kommo.requests().into_iter().filter(|it| !is_fine(it.status)).collect();
        let rest: Vec<_> = self.kommo.rest_requests().into_iter().filter(|it| !is_fine(it.status)).collect();
        assert!(telegram.is_empty() && kommo.is_empty(), "requests failed: {telegram:#?} {kommo:#?}");
        assert!(rest.is_empty(), "requests failed: {rest:#?}");
    }
}

impl Drop for TestStage {
    fn drop(&mut self) {
        assert!(self.finished || thread::panicking(), "the test has to end with `finish`");
    }
}

impl Deref for TestStage {
    type Target = Harness;

    fn deref(&self) -> &Harness {
        &self.stage
    }
}

impl DerefMut for TestStage {
    fn deref_mut(&mut self) -> &mut Harness {
        &mut self.stage
    }
}

/// A client that asks the bridge of a stage as commands do, below `http://localhost`.
pub(crate) fn by_socket(dir: &Path) -> reqwest::Client {
    let headers = [(HeaderName::from_static("x-telekommo"), HeaderValue::from_static("1"))].into_iter().collect();
    let client = reqwest::Client::builder().no_proxy().unix_socket(dir.join("data/telekommo.sock"));
    client.default_headers(headers).build().unwrap()
}

/// Waits until `condition` holds of something that cannot tell when it changes.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + WITHIN;
    while !condition().await {
        assert!(Instant::now() < deadline, "within {WITHIN:?} it did not happen that {what}");
        sleep(LOOK_EVERY).await;
    }
}

/// The id of a customer's conversation with a bot.
pub(crate) fn conversation(line: Line, customer: i64) -> String {
    format!("tg:{}:{customer}", line.source)
}

/// What the customer has written, as Kommo shows it.
pub(crate) fn in_kommo(stage: &Harness, line: Line, customer: i64) -> Vec<String> {
    let messages = stage.kommo.chat(&conversation(line, customer)).map(|chat| chat.messages).unwrap_or_default();
    messages.into_iter().filter(|message| message.from == Author::Customer).map(|message| message.text).collect()
}

/// What the bot has written, as the customer sees it.
pub(crate) fn in_telegram(stage: &Harness, line: Line, customer: i64) -> Vec<String> {
    let messages = stage.telegram.messages(line.token, customer);
    messages.into_iter().filter(|message| message.from_bot).map(|message| message.text).collect()
}

/// All delivery statuses that Kommo has got for a manager's message, in order.
pub(crate) fn statuses(stage: &Harness, id: &str) -> Vec<Status> {
    let chats = stage.kommo.chats();
    let found = chats.into_iter().flat_map(|chat| chat.messages).find(|message| message.id == id);
    found.expect("Kommo has the message").status_history
}

/// A customer whom nobody knows yet.
pub(crate) fn stranger(id: i64) -> Customer {
    Customer {
        id,
        first_name: format!("Customer {id}"),
        last_name: None,
        username: Some(format!("customer_{id}")),
        language_code: None,
    }
}

impl TestStage {
    /// Begins a conversation: the customer writes, and Kommo has it.
    pub(crate) async fn begin(&self, line: Line, customer: i64) {
        self.telegram.write(line.token, customer, "/start");
        self.until("the conversation is in Kommo", |stage| in_kommo(stage, line, customer) == ["/start"]).await;
        self.until_settled().await;
    }

    /// A manager answers; the bridge takes the hook. Gives the message's id.
    pub(crate) async fn reply(&self, line: Line, customer: i64, text: &str) -> String {
        let (id, answer) = self.kommo.reply(&conversation(line, customer), "Maria", text).await;
        assert_eq!(answer.status, Some(200), "the hook of {text:?}");
        id
    }

    /// Waits until Kommo was told of a message, once, and gives what.
    pub(crate) async fn outcome(&self, id: &str) -> Status {
        self.until("Kommo is told what became of the answer", |stage| !statuses(stage, id).is_empty()).await;
        self.until_settled().await;
        let told = statuses(self, id);
        assert_eq!(told.len(), 1, "{told:?}");
        told[0].clone()
    }

    /// The same while something else waits.
    pub(crate) async fn outcome_though_more_waits(&self, id: &str) -> Status {
        self.until("Kommo is told what became of the answer", |stage| !statuses(stage, id).is_empty()).await;
        statuses(self, id)[0].clone()
    }

    /// A client that asks the bridge as commands do, below `http://localhost`.
    pub(crate) fn commands(&self) -> reqwest::Client {
        by_socket(self.dir())
    }

    /// A page of the operator's listener: the status and the text.
    pub(crate) async fn admin(&self, path: &str) -> (u16, String) {
        let address = self.bridge().expect("the bridge runs").admin_addr();
        let response = reqwest::get(format!("http://{address}{path}")).await.expect("the listener answers");
        let (status, text) = (response.status().as_u16(), response.text().await.expect("the answer is text"));
        hush::assert_hushed(path, &text);
        (status, text)
    }

    /// Waits until `/ready` is `status` and names all of `words`.
    pub(crate) async fn until_ready_says(&self, status: u16, words: &[&str]) {
        eventually(&format!("/ready is {status} and says {words:?}"), async || {
            let (code, text) = self.admin("/ready").await;
            code == status && words.iter().all(|word| text.contains(word))
        })
        .await;
    }

    /// Waits until a counter of `/metrics` is above zero.
    pub(crate) async fn until_counted(&self, metric: &str) {
        eventually(&format!("{metric} is counted"), async || {
            let (_, text) = self.admin("/metrics").await;
            text.lines().any(|line| line.strip_prefix(metric).is_some_and(|value| value.trim() != "0"))
        })
        .await;
    }
}
