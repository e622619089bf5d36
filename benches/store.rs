//! What remembered messages cost: on the disk, in memory, and when the store is opened.
//!
//! `cargo bench --bench store` prints the table. `TELEKOMMO_BENCH_MESSAGES` and `TELEKOMMO_BENCH_CONVERSATIONS` say how
//! many there are; the sled of the first line holds as many rows of 100 bytes, written and flushed in the same groups.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use telekommo::{
    domain::{
        address::{BotId, Conversation, KommoChatId, KommoMessageId, KommoUserId, MessageId, SourceId},
        job::{Hook, IdempotencyKey, Job, Lane, Raw, Route, Update},
        time::UnixMillis,
        timestamps::{Arrived, LastSent},
    },
    store::{Chat, Intake, Lease, NewJob, Outcome, Settings, StateChange, Store},
};

use crate::common::{Machine, float, memory, wished};

mod common;

/// How many messages are on their way at the same time.
const GROUP: usize = 64;
/// From when on; the messages come over 80 days.
const BEGIN: UnixMillis = UnixMillis(1_786_017_600_000);
const SPAN: Duration = Duration::from_hours(80 * 24);
const BOT: BotId = BotId(7_123_456_789);
const CACHE_BYTES: u64 = 32 << 20;

fn source() -> SourceId {
    SourceId::parse("sales").expect("it is a good name")
}

fn settings(dir: &Path) -> Settings {
    let days = |days: u64| Duration::from_hours(days * 24);
    let (dedupe_for, links_for, parked_for) = (days(7), days(90), days(7));
    Settings { dir: dir.to_owned(), cache_bytes: CACHE_BYTES, reserve_bytes: 0, dedupe_for, links_for, parked_for }
}

/// Ids as Kommo makes them.
fn uuid(chance: &mut fastrand::Rng) -> String {
    let bits = format!("{:032x}", chance.u128(..));
    [&bits[..8], &bits[8..12], &bits[12..16], &bits[16..20], &bits[20..]].join("-")
}

/// What a chat has in Kommo; the same at each call.
fn chat(conversation: &Conversation) -> Chat {
    let mut chance = fastrand::Rng::with_seed(conversation.chat.id.unsigned_abs());
    Chat { chat: KommoChatId(uuid(&mut chance)), user: Some(KommoUserId(uuid(&mut chance))) }
}

/// Messages that come and are relayed, as the relay does it.
struct Traffic {
    store: Store,
    chance: fastrand::Rng,
    /// How many messages each conversation has.
    numbers: Vec<i64>,
    update: i64,
    now: UnixMillis,
}

impl Traffic {
    fn conversation(&mut self) -> Conversation {
        let at = self.chance.usize(..self.numbers.len());
        Conversation::new(source(), 5_000_000_000 + i64::try_from(at).expect("there are few"))
    }

    fn next_id(&mut self, of: &Conversation) -> MessageId {
        let number = &mut self.numbers[usize::try_from(of.chat.id - 5_000_000_000).expect("it is one of ours")];
        *number += self.chance.i64(1..4);
        MessageId { bot: BOT, chat: of.chat, message: *number, update: None }
    }

    /// A group of messages of both directions, from their arrival to what is kept of them.
    async fn group(&mut self, count: usize) {
        let raw = format!(r#"{{"update_id":{},"message":"{}"}}"#, self.update, "x".repeat(600));
        let mut jobs = Vec::new();
        for _ in 0..count / 2 {
            let lane = Lane::inbound(&self.conversation());
            self.update += 1;
            let id = Some(IdempotencyKey::update(BOT, self.update));
            jobs.push(NewJob {
                id,
                lane,
                job: Update { source: source(), bot: BOT, raw: raw.clone(), program: None }.into(),
            });
        }
        self.store.push(Intake { jobs, offset: Some((BOT, self.update + 1)) }, self.now).await.expect("there is room");
        let hooks = (0..count - count / 2).map(|_| {
            let (conversation, kommo) = (self.conversation(), KommoMessageId(uuid(&mut self.chance)));
            let (id, lane) = (Some(IdempotencyKey::hook(&kommo)), Lane::outbound(&conversation));
            let changes = vec![StateChange::Chat { chat: chat(&conversation), conversation }];
            (Intake { jobs: vec![NewJob { id, lane, job: Hook { raw: raw.clone() }.into() }], offset: None }, changes)
        });
        let hooks: Vec<_> = hooks.collect();
        let pushes = hooks.into_iter().map(|(intake, changes)| self.store.push_with(intake, changes, self.now));
        assert!(join_all(pushes).await.into_iter().all(|pushed| pushed.is_ok()));
        self.relay().await;
    }

    async fn relay(&mut self) {
        for route in [Route::Inbound, Route::Outbound(source())] {
            loop {
                let claim = || self.store.claim(&route, self.now).expect("the store works");
                let leases: Vec<Lease> = std::iter::from_fn(claim).collect();
                if leases.is_empty() {
                    break;
                }
                let done: Vec<_> = leases.into_iter().map(|lease| (self.outcome(&lease), lease)).collect();
                let settled = done.into_iter().map(|(outcome, lease)| lease.settle(outcome, self.now));
                assert!(join_all(settled).await.into_iter().all(|settled| settled.is_ok()));
            }
        }
    }

    fn outcome(&mut self, lease: &Lease) -> Outcome {
        let conversation: Conversation = lease.lane().thread.parse().expect("it is a conversation");
        let (ours, kommo) = (self.next_id(&conversation), KommoMessageId(uuid(&mut self.chance)));
        let of = || conversation.clone();
        let change = match lease.job() {
            Job::Raw(Raw::Hook(_)) => {
                StateChange::Arrived { conversation: of(), arrived: Arrived { ours, written_at: self.now } }
            }
            _ => StateChange::LastSent { conversation: of(), last_sent: LastSent::new(ours, self.now) },
        };
        let chat = StateChange::Chat { chat: chat(&conversation), conversation: of() };
        Outcome::Done { then: Vec::new(), changes: vec![StateChange::Link { ours, kommo }, chat, change] }
    }
}

/// Fills a store. Gives how large its file was, at most, for each message that it remembered then, and how much memory
/// this process has at the end.
async fn fill(dir: &Path, messages: usize, conversations: usize) -> (u64, u64) {
    let store = Store::open(settings(dir)).expect("the folder is new");
    store.begin(BEGIN).await.expect("there is room");
    let numbers = vec![0; conversations];
    let mut traffic = Traffic { store, chance: fastrand::Rng::with_seed(1), numbers, update: 0, now: BEGIN };
    let (mut most, mut done) = (0, 0);
    while done < messages {
        traffic.group(GROUP).await;
        done += GROUP;
        traffic.now = BEGIN.plus(SPAN * count(done) / count(messages));
        if done % (GROUP * 64) == 0 {
            traffic.store.sweep(traffic.now).await.expect("the store works");
            traffic.store.pack_expiries().await.expect("the store works");
        }
        if done > messages / 2 {
            most = most.max(size(dir) / done as u64);
        }
    }
    traffic.store.sweep(traffic.now).await.expect("the store works");
    traffic.store.pack_expiries().await.expect("the store works");
    let memory = memory(std::process::id());
    traffic.store.close().await.expect("the store works");
    (most, memory)
}

/// As many rows of 100 bytes, with keys in no order.
fn fill_yardstick(dir: &Path, rows: usize) {
    let tree = sled::open(dir.join("store")).expect("the folder is new");
    let mut chance = fastrand::Rng::with_seed(1);
    for row in 0..rows {
        tree.insert(uuid(&mut chance), &[b'x'; 64][..]).expect("there is room");
        if row % GROUP == 0 {
            tree.flush().expect("there is room");
        }
    }
}

fn count(messages: usize) -> u32 {
    u32::try_from(messages).expect("there are fewer")
}

fn size(dir: &Path) -> u64 {
    fs::metadata(dir.join("store/db")).expect("there is a store").len()
}

/// The two numbers that this program prints if it is called like this. A process of its own has no more memory than it
/// takes, as the bridge does.
fn apart(how: &str, dir: &Path) -> (u64, u64) {
    let output = Command::new(std::env::current_exe().expect("it runs")).args([how.as_ref(), dir.as_os_str()]).output();
    let output = output.expect("it can be run");
    let output_text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<u64> = output_text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let numbers = <[u64; 2]>::try_from(numbers).expect("it tells both");
    numbers.into()
}

/// How many messages there are, in how many conversations.
fn amounts() -> (usize, usize) {
    let messages = wished("TELEKOMMO_BENCH_MESSAGES", 20_000);
    (messages, wished("TELEKOMMO_BENCH_CONVERSATIONS", messages.div_ceil(10)))
}

fn tell_opened(open: impl FnOnce() -> Box<dyn std::any::Any>) {
    let before = Instant::now();
    let _open = open();
    println!("{} {}", memory(std::process::id()), before.elapsed().as_millis());
}

fn print(state: &str, dir: &Path, messages: usize, (memory, millis): (u64, u64)) {
    let bytes = size(dir) / messages as u64;
    println!("| {state:<42} | {bytes:>13} | {:>10} | {millis:>9} |", memory >> 20);
}

fn main() {
    let words: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", dir] => {
            let (messages, conversations) = amounts();
            let runtime = tokio::runtime::Runtime::new().expect("it starts");
            let (most, memory) = runtime.block_on(fill(Path::new(dir), messages, conversations));
            return println!("{most} {memory}");
        }
        ["store", dir] => return tell_opened(|| Box::new(Store::open(settings(Path::new(dir))).expect("it is whole"))),
        ["sled", dir] => {
            let path = PathBuf::from(dir).join("store");
            let open = || sled::Config::new().path(path).cache_capacity(CACHE_BYTES).open().expect("it is whole");
            return tell_opened(|| Box::new(open()));
        }
        _ => {}
    }
    let (messages, conversations) = amounts();
    let home = tempfile::tempdir().expect("there is room");
    let (dir, yardstick) = (home.path().join("data"), home.path().join("yardstick"));
    println!("{}: {messages} messages in {conversations} conversations\n", Machine::here());
    println!("| {:<42} | {:>13} | {:>10} | {:>9} |", "", "bytes/message", "memory MiB", "opened ms");
    fill_yardstick(&yardstick, messages);
    print("yardstick: a row of 100 bytes in sled", &yardstick, messages, apart("sled", &yardstick));
    let (most, memory) = apart("fill", &dir);
    println!("| {:<42} | {most:>13} | {:>10} | {:>9} |", "while it is filled", memory >> 20, "");
    // A start finds that it has not grown.
    fs::write(dir.join("store.marker"), u64::MAX.to_string()).expect("there is room");
    print("filled", &dir, messages, apart("store", &dir));
    print("opened once more", &dir, messages, apart("store", &dir));
    let compacted = Store::compact(&dir).expect("there is room");
    print("compacted", &dir, messages, apart("store", &dir));
    let rows = usize::try_from(compacted.rows).expect("they are in memory");
    println!("\n{:.2} rows for each message", float(rows) / float(messages));
}
