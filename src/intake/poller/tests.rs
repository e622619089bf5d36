//! The poller with a store on the disk and a scripted server.

use std::sync::Mutex;

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::{
    domain::job::{Raw, Route},
    store::{Due, Settings},
    telegram::tests::scripted::{Recorded, Reply, Scripted, refusal, success},
};

const TIMEOUT: Duration = Duration::from_secs(20);
/// The interval of retries in these tests.
const EVERY: Duration = Duration::from_millis(50);
const BRISK: PollBackoff = PollBackoff {
    every: EVERY,
    long: Duration::from_hours(1),
    every_later: EVERY,
    longest_requested: EVERY,
    probe_every: EVERY,
};

/// The pending updates of a fake Telegram, by their numbers. Those below an offset are forgotten.
struct Waiting(Mutex<Vec<(i64, String)>>);

impl Waiting {
    fn new(updates: impl IntoIterator<Item = (i64, String)>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(updates.into_iter().collect())))
    }

    /// Answers `getUpdates` as the server does, whatever the updates contain.
    fn give(&self, request: &Recorded) -> Reply {
        let request: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let offset = request["offset"].as_i64().unwrap_or(0);
        let limit = usize::try_from(request["limit"].as_u64().unwrap_or(100)).unwrap();
        let mut waiting = self.0.lock().unwrap();
        waiting.retain(|(id, _)| *id >= offset);
        if waiting.is_empty() && request["timeout"] != 0 {
            return Reply::Hang;
        }
        let texts: Vec<_> = waiting.iter().take(limit).map(|(_, text)| text.as_str()).collect();
        success(&format!("[{}]", texts.join(",")))
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

/// A poller with its surroundings.
struct Bench {
    server: Scripted,
    store: Store,
    metrics: Arc<Metrics>,
    bot: Bot,
    stop: CancellationToken,
    _dir: TempDir,
}

impl Bench {
    async fn new(script: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let server = Scripted::start(script).await;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Settings {
            dir: dir.path().join("store"),
            cache_bytes: 4 << 20,
            reserve_bytes: 0,
            dedupe_for: Duration::from_hours(48),
            links_for: Duration::from_hours(48),
            parked_for: Duration::from_hours(168),
        });
        let (bot, stop) = (server.bot(), CancellationToken::new());
        Self { server, store: store.unwrap(), metrics: Arc::default(), bot, stop, _dir: dir }
    }

    /// Lets the poller work until a condition holds.
    async fn until(&self, backoff: PollBackoff, what: &str, holds: impl Fn(&Self) -> bool) {
        let poller = Poller {
            bot: self.bot.clone(),
            store: self.store.clone(),
            metrics: Arc::clone(&self.metrics),
            backoff,
            trace: Trace::default(),
            sharing: None,
        };
        let watching = async {
            let deadline = Instant::now() + TIMEOUT;
            while !holds(self) {
                assert!(Instant::now() < deadline, "within {TIMEOUT:?} it did not happen that {what}");
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            ended = poller.run(self.stop.clone()) => panic!("the poller ended: {ended:?}"),
            () = watching => {}
        }
    }

    /// The stored updates, in order, lane by lane.
    fn stored(&self) -> Vec<String> {
        let mut raws = Vec::new();
        let mut leases = Vec::new();
        while let Some(lease) = self.store.claim(&Route::Inbound, clock::now()).unwrap() {
            let Job::Raw(Raw::Update(Update { raw, .. })) = lease.job() else { panic!("{:?}", lease.job()) };
            raws.push(raw.clone());
            leases.push(lease);
        }
        raws
    }

    fn polls(&self) -> Vec<Value> {
        self.server.requests().iter().map(|request| serde_json::from_str(&request.body).unwrap()).collect()
    }
}

/// An update in a chat of its own.
fn update(id: i64, more: &str) -> String {
    format!(r#"{{"update_id":{id},"message":{{"message_id":1,"date":1,"chat":{{"id":{id},"type":"private"}}{more}}}}}"#)
}

fn nested(levels: usize) -> String {
    format!(r#","x":{}{}"#, "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_depth_in_any_place_stops_what_is_behind_it() {
    for levels in [121, 122, 127, 128, 1_000, 100_000] {
        let text = |id: i64| update(id, &if id % 4 == 1 { nested(levels) } else { String::new() });
        let waiting = Waiting::new((1..=9).map(|id| (id, text(id))));
        let (given, waits) = (Arc::clone(&waiting), Arc::clone(&waiting));
        let bench = Bench::new(move |request| given.give(request)).await;
        bench.until(BRISK, "all is confirmed", move |_| waits.is_empty()).await;
        assert_eq!(bench.store.offset(bench.bot.id()).unwrap(), Some(10), "{levels}");
        let routes = bench.store.counts().routes;
        assert_eq!(routes.iter().map(|(_, queue)| queue.waiting).sum::<usize>(), 9, "{levels}");
        let stored = bench.stored();
        // Updates that are nested too deeply to read their chats share a lane.
        assert!((1..=9).filter(|id| id % 4 != 1).all(|id| stored.contains(&text(id))), "{levels}");
        assert!(stored.contains(&text(1)), "{levels}: it is stored as it came");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_breaks_its_answer_is_found_and_set_aside_under_its_number() {
    for place in [1, 3, 5] {
        let broken = |id: i64| format!(r#"{{"update_id":{id},"message":{{"text":"\x"}}}}"#);
        let waiting = Waiting::new((1..=5).map(|id| (id, if id == place { broken(id) } else { update(id, "") })));
        let (given, waits) = (Arc::clone(&waiting), Arc::clone(&waiting));
        let bench = Bench::new(move |request| given.give(request)).await;
        bench.until(BRISK, "all is confirmed", move |_| waits.is_empty()).await;
        let stored = bench.stored();
        assert_eq!(stored.len(), 5, "{place}: {stored:#?}");
        assert!(stored.iter().any(|raw| raw.starts_with(&broken(place))), "{place}: {stored:#?}");
        let limits: Vec<_> = bench.polls().iter().map(|request| request["limit"].as_u64().unwrap()).collect();
        assert_eq!((&limits[..2], limits[2], limits.last()), (&[100, 100][..], 1, Some(&100)), "{place}: {limits:?}");
        bench.until(BRISK, "it polls on", |bench| bench.metrics.obstacles().is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_without_a_number_goes_with_the_others_and_alone_makes_no_loop() {
    let waiting = Waiting::new([(1, r#"{"update_id":"1","from_the_future":{}}"#.to_owned())]);
    let (given, waits) = (Arc::clone(&waiting), Arc::clone(&waiting));
    let bench = Bench::new(move |request| given.give(request)).await;
    bench.until(BRISK, "it is tried again", |bench| bench.polls().len() > 3).await;
    assert!(bench.metrics.obstacles()[0].contains("updates without numbers"), "{:?}", bench.metrics.obstacles());
    assert!(bench.stored().is_empty(), "it would be stored again and again");
    waiting.0.lock().unwrap().push((2, update(2, "")));
    bench.until(BRISK, "all is confirmed", move |_| waits.is_empty()).await;
    let stored = bench.stored();
    assert!(
        stored.len() == 2 && stored.contains(&r#"{"update_id":"1","from_the_future":{}}"#.to_owned()),
        "{stored:?}"
    );
}

/// The poller reports `trouble`, and goes on by itself once it is over. Returns how long that took.
async fn outlives(trouble: impl Fn() -> Reply + Send + Sync + 'static, shown: &str, backoff: PollBackoff) -> Duration {
    let waiting = Waiting::new([(5, update(5, ""))]);
    let is_over = CancellationToken::new();
    let (given, over) = (Arc::clone(&waiting), is_over.clone());
    let bench = Bench::new(move |request| if over.is_cancelled() { given.give(request) } else { trouble() }).await;
    let is_reported = |bench: &Bench| bench.metrics.obstacles().iter().any(|line| line.contains(shown));
    let over_at = std::cell::Cell::new(None);
    bench
        .until(backoff, shown, |bench| {
            if over_at.get().is_none() && is_reported(bench) {
                over_at.set(Some(Instant::now()));
                is_over.cancel();
            }
            waiting.is_empty()
        })
        .await;
    assert_eq!(bench.store.offset(bench.bot.id()).unwrap(), Some(6), "{shown}");
    over_at.get().unwrap().elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_is_reported_and_outlived() {
    let html = |status| move || Reply::Answer(status, "<html>".to_owned());
    outlives(html(502), "the answer is not Telegram's (HTTP 502", BRISK).await;
    outlives(html(403), "the answer is not Telegram's (HTTP 403", BRISK).await;
    outlives(html(404), "check `telegram.api_url`", BRISK).await;
    outlives(html(200), "the answer is not Telegram's (HTTP 200", BRISK).await;
    outlives(|| success("{}"), "the answer is not Telegram's", BRISK).await;
    outlives(|| refusal(502, "Bad Gateway"), "Bad Gateway (502)", BRISK).await;
    outlives(|| refusal(400, "Logged out"), "has logged the bot out", BRISK).await;
    outlives(|| refusal(401, "Unauthorized"), "does not accept this bot's token", BRISK).await;
    outlives(|| refusal(404, "Not Found"), "check the path in `telegram.api_url`", BRISK).await;
    outlives(|| refusal(429, "Too Many Requests: retry after 100000"), "asks telekommo to wait", BRISK).await;
    outlives(|| Reply::Close, "did not answer", BRISK).await;
    outlives(
        || Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"ok\"".to_vec()),
        "did not answer",
        BRISK,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_given_back_and_a_server_that_hung_are_noticed_within_five_seconds() {
    let usual = PollBackoff::new(Duration::from_mins(1));
    let (revoked, down) = tokio::join!(
        outlives(|| refusal(401, "Unauthorized"), "does not accept this bot's token", usual),
        outlives(|| refusal(500, "Internal Server Error"), "Internal Server Error", usual),
    );
    assert!(revoked < Duration::from_secs(5) && down < Duration::from_secs(5), "{revoked:?} {down:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_on_a_dead_connection_is_replaced_when_it_is_in_doubt() {
    let waiting = Waiting::new([]);
    let (given, waits, hangs) = (Arc::clone(&waiting), Arc::clone(&waiting), CancellationToken::new());
    let hung = hangs.clone();
    // The server never answers a pending poll: a new one has to be started.
    let bench = Bench::new(move |request| {
        let reply = given.give(request);
        if matches!(reply, Reply::Hang) {
            hung.cancel();
        }
        reply
    })
    .await;
    let doubted_at = std::cell::Cell::new(None);
    bench
        .until(BRISK, "the update is there", |bench| {
            if doubted_at.get().is_none() && hangs.is_cancelled() {
                doubted_at.set(Some(Instant::now()));
                waits.0.lock().unwrap().push((5, update(5, "")));
                bench.bot.doubt();
            }
            doubted_at.get().is_some() && waits.is_empty()
        })
        .await;
    let took = doubted_at.get().unwrap().elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(bench.store.due(&Route::Inbound), Some(Due::Now));
}
