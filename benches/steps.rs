//! What each step of a message costs by itself, and whether a long queue makes one dearer.
//!
//! `cargo bench --bench steps` prints two tables. `TELEKOMMO_BENCH_BACKLOG` says how many messages wait at most. Each
//! figure stands beside what the same bytes cost with no more than the least that any program would do with them.

use std::{
    fs::File,
    hint::black_box,
    io::Write as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha1::Sha1;
use telekommo::{
    domain::{
        address::{BotId, Conversation, KommoMessageId, MessageId, SourceId},
        job::{Hook, IdempotencyKey, Lane, Route},
        message::Inbound,
        time::UnixMillis,
    },
    kommo::sign::Signer,
    media::link::{LinkKey, MediaLinks},
    store::{Intake, Lease, NewJob, Outcome, Settings, StateChange, Store},
    translate::{
        from_kommo,
        from_telegram::{Arrival, DecodeContext, Received},
        text, to_kommo, to_telegram,
    },
    words::Language,
};

use crate::common::{Machine, float, memory, wished};

mod common;

const NOW: UnixMillis = UnixMillis(1_786_017_600_000);
const BOT: BotId = BotId(7_123_456_789);
const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";
const CACHE_BYTES: u64 = 32 << 20;
/// How often a pure step is taken.
const TIMES: usize = 20_000;
/// How many messages are pushed, claimed and settled at the same time, and how often.
const GROUP: usize = 64;
const GROUPS: usize = 64;
/// How many jobs each lane has that waits.
const IN_A_LANE: usize = 10;
/// How many jobs are pushed in one commit while the queue is filled.
const PUSHED: usize = 100;

fn source() -> SourceId {
    SourceId::parse("sales").expect("it is a good name")
}

/// What one call takes.
fn time<T>(mut call: impl FnMut() -> T) -> Duration {
    let before = Instant::now();
    for _ in 0..TIMES {
        black_box(call());
    }
    before.elapsed() / u32::try_from(TIMES).expect("it is small")
}

/// A customer's text, as Telegram tells of it.
fn update() -> String {
    let from = r#"{"id":5000000001,"is_bot":false,"first_name":"Anna","last_name":"Petrova","language_code":"en"}"#;
    let chat = r#"{"id":5000000001,"first_name":"Anna","last_name":"Petrova","type":"private"}"#;
    let text = "Good morning! Where is my order 4711, and can you send it to another address?";
    let message = format!(r#"{{"message_id":7,"from":{from},"chat":{chat},"date":1786017600,"text":"{text}"}}"#);
    format!(r#"{{"update_id":9,"message":{message}}}"#)
}

/// A manager's answer, as Kommo tells of it.
fn hook(text: &str) -> String {
    let message = format!(r#"{{"id":"93d0e5f6-1111-4222-8333-444455556666","type":"text","text":"{text}"}}"#);
    let chat = r#"{"id":"b52c7f0e-1111-4222-8333-444455556666","client_id":"tg:sales:5000000001"}"#;
    let receiver = r#"{"id":"6cbab3d5-1111-4222-8333-444455556666","client_id":"tg-user:5000000001"}"#;
    let sender = r#"{"id":"76fc2bea-1111-4222-8333-444455556666"}"#;
    format!(
        r#"{{"account_id":"52e591f7-c98f-4255-8495-827210138c81","time":1786017600,"message":{{"receiver":{receiver},
        "sender":{sender},"conversation":{chat},"timestamp":1786017600,"msec_timestamp":1786017600123,
        "message":{message}}}}}"#
    )
}

fn decode(update: &str, source: &SourceId) -> Inbound {
    let place = DecodeContext {
        source,
        bot: BOT,
        connection: None,
        program: None,
        groups: false,
        largest_file_bytes: 20 << 20,
        language: Language::En,
        now: NOW,
    };
    let Ok(Arrival::Message(inbound)) = Received::read(update).decode(&place) else { unreachable!("it is a text") };
    *inbound
}

/// The steps that touch neither disk nor network.
fn print_pure() {
    let (update, source) = (update(), source());
    let inbound = decode(&update, &source);
    let url = "https://bridge.example.com".parse().expect("it is an address");
    let links = MediaLinks { key: &LinkKey::derive(SECRET), public_url: &url, expires_at: NOW };
    let encode = || serde_json::to_vec(&to_kommo::encode(&inbound, &links, Language::En)).expect("it is JSON");
    let (body, signer) = (encode(), Signer::new(SECRET));
    let mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes a key of any length");
    let hmac = |bytes: &[u8]| mac.clone().chain_update(bytes).finalize().into_bytes();
    let hook = hook("Good morning! It has left our house today.");
    let signed: Bytes = hook.clone().into();
    let signature = hmac(&signed).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let long = "A sentence of no great length, and then the next one. ".repeat(200);
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
    let (event, answer) = (parse(&String::from_utf8_lossy(&body)), from_kommo::decode(&hook).expect("it is a hook"));
    let from_kommo::Arrival::Message(answer) = answer else { unreachable!("it is a message") };
    let print = |step: &str, took: Duration, yardstick: &str, least: Duration| {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        println!(
            "| {step} | {:.1} µs | {yardstick} | {:.1} µs | {:.1} |",
            micros(took),
            micros(least),
            took.as_secs_f64() / least.as_secs_f64()
        );
    };
    println!("| step | takes | beside | takes | times |\n|---|---:|---|---:|---:|");
    let path = "/v2/origin/custom/344a5002-f8ca-454d-af3d-396180102ac7_52e591f7-c98f-4255-8495-827210138c81";
    let date = "Thu, 06 Aug 2026 12:00:00 +0000";
    print("sign a message", time(|| signer.sign("POST", path, date, &body)), "its HMAC", time(|| hmac(&body)));
    let verify = || signer.verify(&signed, Some(&signature)).expect("it is signed");
    print("verify a hook", time(verify), "its HMAC", time(|| hmac(&signed)));
    print("decode an update", time(|| decode(&update, &source)), "parsing it", time(|| parse(&update)));
    print("decode a hook", time(|| from_kommo::decode(&hook).is_ok()), "parsing it", time(|| parse(&hook)));
    print("encode for Kommo", time(encode), "writing it", time(|| serde_json::to_vec(&event).is_ok()));
    let to_telegram = || to_telegram::encode(&answer, |_| true, Language::En).is_ok();
    print("encode for Telegram", time(to_telegram), "writing it", time(|| serde_json::to_vec(&event).is_ok()));
    let split = || text::split(&long, 4096).len();
    print("split 11,000 letters", time(split), "counting them", time(|| long.encode_utf16().count()));
}

fn settings(dir: &Path) -> Settings {
    let days = |days: u64| Duration::from_hours(days * 24);
    let (dedupe_for, links_for, parked_for) = (days(7), days(90), days(7));
    Settings { dir: dir.to_owned(), cache_bytes: CACHE_BYTES, reserve_bytes: 0, dedupe_for, links_for, parked_for }
}

fn conversation(number: usize) -> Conversation {
    Conversation::new(source(), 5_000_000_000 + i64::try_from(number).expect("there are few"))
}

/// An answer that nobody has written before.
fn job(number: usize, lane: usize) -> NewJob {
    let kommo = KommoMessageId(format!("93d0e5f6-1111-4222-8333-{number:012}"));
    let (id, lane) = (Some(IdempotencyKey::hook(&kommo)), Lane::outbound(&conversation(lane)));
    NewJob { id, lane, job: Hook { raw: hook("Good morning! It has left our house today.") }.into() }
}

/// What a message costs in the store, in groups that come together.
#[derive(Default)]
struct Costs {
    push: Duration,
    claim: Duration,
    settle: Duration,
}

async fn costs(store: &Store, waiting: usize) -> Costs {
    let (mut costs, route) = (Costs::default(), Route::Outbound(source()));
    for group in 0..GROUPS {
        let first = waiting + group * GROUP;
        let jobs: Vec<_> = (first..first + GROUP).map(|number| job(number, number)).collect();
        let before = Instant::now();
        let push = |job| store.push(Intake { jobs: vec![job], offset: None }, NOW);
        assert!(join_all(jobs.into_iter().map(push)).await.into_iter().all(|pushed| pushed.is_ok()));
        costs.push += before.elapsed();
        let before = Instant::now();
        let claim = || store.claim(&route, NOW).expect("the store works");
        let leases: Vec<Lease> = std::iter::from_fn(claim).take(GROUP).collect();
        costs.claim += before.elapsed();
        let outcome = |(number, lease): (usize, Lease)| {
            let chat = lease.lane().thread.parse::<Conversation>().expect("it is a conversation").chat;
            let message = i64::try_from(first + number).expect("there are few");
            let ours = MessageId { bot: BOT, chat, message, update: None };
            let kommo = KommoMessageId(format!("76fc2bea-1111-4222-8333-{message:012}"));
            let changes = vec![StateChange::Link { ours, kommo }];
            lease.settle(Outcome::Done { then: Vec::new(), changes }, NOW)
        };
        let before = Instant::now();
        assert!(join_all(leases.into_iter().enumerate().map(outcome)).await.into_iter().all(|it| it.is_ok()));
        costs.settle += before.elapsed();
    }
    costs
}

/// Fills the queue of a store in an empty folder, and gives how many messages wait.
async fn fill(store: &Store, waiting: usize) {
    for first in (0..waiting).step_by(PUSHED) {
        let jobs = (first..first + PUSHED).map(|number| job(number, number / IN_A_LANE)).collect();
        store.push(Intake { jobs, offset: None }, NOW).await.expect("there is room");
    }
}

/// What the same bytes cost in a file that is synced after each group.
fn appended(dir: &Path) -> Duration {
    let mut file = File::create(dir.join("appended")).expect("there is room");
    let bytes = serde_json::to_vec(&hook("Good morning! It has left our house today.")).expect("it is JSON");
    let before = Instant::now();
    for _ in 0..GROUPS {
        (0..GROUP).for_each(|_| file.write_all(&bytes).expect("there is room"));
        file.sync_data().expect("there is room");
    }
    before.elapsed()
}

/// What opening a store takes, in a process of its own: bytes of memory and milliseconds.
fn opened(dir: &Path) -> (u64, u64) {
    let output = Command::new(std::env::current_exe().expect("it runs")).arg(dir).output().expect("it can be run");
    let output_text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<u64> = output_text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    <[u64; 2]>::try_from(numbers).expect("it tells both").into()
}

fn print_store(waiting: usize, runtime: &tokio::runtime::Runtime) {
    let home = tempfile::tempdir().expect("there is room");
    let dir = home.path().join("data");
    let store = Store::open(settings(&dir)).expect("the folder is new");
    let costs = runtime.block_on(async {
        fill(&store, waiting).await;
        let costs = costs(&store, waiting).await;
        store.close().await.expect("the store works");
        costs
    });
    // The first one compacts a store whose file has grown, the second one finds it compacted.
    let (first, again) = (opened(&dir), opened(&dir));
    let least = appended(home.path());
    let each = |time: Duration| time.as_secs_f64() * 1e6 / float(GROUP * GROUPS);
    println!(
        "| {waiting} | {:.0} µs | {:.1} µs | {:.0} µs | {:.0} µs | {:.1} | {} MiB | {} ms | {} ms |",
        each(costs.push),
        each(costs.claim),
        each(costs.settle),
        each(least),
        (costs.push + costs.claim + costs.settle).as_secs_f64() / least.as_secs_f64(),
        again.0 >> 20,
        first.1,
        again.1
    );
}

fn main() {
    let words: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [dir] = &words[..] {
        let before = Instant::now();
        let _open = Store::open(settings(Path::new(dir))).expect("it is whole");
        println!("{} {}", memory(std::process::id()), before.elapsed().as_millis());
        return;
    }
    let most = wished("TELEKOMMO_BENCH_BACKLOG", 1_000_000);
    println!("{}\n", Machine::here());
    print_pure();
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    println!("\n| waiting | push | claim | settle | appending it to a file | times | memory | opened in | again in |");
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for waiting in [0, 10_000, 1_000_000] {
        print_store(waiting.min(most), &runtime);
    }
}
