//! What a call of the owner's own program costs, beside the same call to the same fake without telekommo.
//!
//! `cargo bench --bench gateway` starts the real binary between two fakes that answer at once, with three programs on
//! ten bots, and prints a table. Calls go to Telegram directly and through the gateway in turns. A call that passes is
//! `getMe`; one that is recorded is `sendMessage`, and Kommo has to show each of them in the end.
//!
//! `TELEKOMMO_BENCH_CALLS` says how many calls make a rate, and `TELEKOMMO_BENCH_ROUNDS` how often it is measured: the
//! best counts, since whatever else the machine does only slows one down.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, future::join_all, stream};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::{
    bridge::{BOT, Relay, token},
    common::{Machine, float, memory_line, wished},
    fakes::Fakes,
};

#[path = "../common/bridge.rs"]
mod bridge;
#[path = "../common/mod.rs"]
mod common;
mod fakes;

const BOTS: usize = 10;
const PROGRAMS: u64 = 3;
/// How many people the program writes to.
const CHATS: usize = 100;
/// How many calls go one by one, to see how long each takes.
const SINGLE: usize = 1000;
/// How many calls are under way at once where their rate is measured.
const AT_ONCE: usize = 32;
const LARGE_BYTES: usize = 45 << 20;
/// How long a process is left alone before its memory is read.
const SETTLED: Duration = Duration::from_secs(2);
/// No measurement takes as long: something is lost.
const WITHIN: Duration = Duration::from_mins(5);

/// What a program has in place of the token of its bot.
fn secret(bot: u64) -> String {
    format!("{bot}:the-program-of-the-benchmark")
}

/// The programs, each on a bot of its own. What they send is shown in Kommo, whoever gets it.
fn programs() -> String {
    let program = |number: u64| {
        let source = if number == 0 { "sales".to_owned() } else { format!("sales{number}") };
        let (name, secret) = (format!("programs.program{number}"), secret(BOT + number));
        format!("{name}.source = {source:?}\n{name}.secret = {secret:?}\n{name}.leads = \"always\"\n")
    };
    let programs: String = (0..PROGRAMS).map(program).collect();
    // What they send stands in Kommo as the channel's bot.
    format!("kommo.bot_id = \"f1910c7f-b1e0-4184-bd09-c7def2a9109a\"\ngateway.listen = \"127.0.0.1:0\"\n{programs}")
}

/// A way to Telegram: directly, or through the gateway.
struct Way {
    client: reqwest::Client,
    base: String,
}

#[derive(Clone, Copy)]
enum Call {
    Passed,
    Recorded,
}

impl Way {
    fn new(address: std::net::SocketAddr, token: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().expect("it needs nothing");
        Self { client, base: format!("http://{address}/bot{token}") }
    }

    async fn answer(request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.expect("somebody answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        serde_json::from_slice(&answer.bytes().await.expect("it is whole")).expect("it is JSON")
    }

    /// How long a call takes.
    async fn call(&self, call: Call, number: usize) -> Duration {
        let (method, body) = match call {
            Call::Passed => ("getMe", json!({})),
            Call::Recorded => {
                let chat = 5_000_000_000 + number % CHATS;
                ("sendMessage", json!({"chat_id": chat, "text": format!("Your order {number} is ready")}))
            }
        };
        let request = self.client.post(format!("{}/{method}", self.base));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let before = Instant::now();
        Self::answer(request).await;
        before.elapsed()
    }

    /// How many calls are answered in a second.
    async fn rate(&self, call: Call, calls: usize) -> f64 {
        let before = Instant::now();
        let one = |number| async move {
            let _took = self.call(call, number).await;
        };
        stream::iter(0..calls).for_each_concurrent(AT_ONCE, one).await;
        float(calls) / before.elapsed().as_secs_f64()
    }

    /// How long a file of so many bytes takes.
    async fn upload(&self, bytes: usize) -> Duration {
        let form = Form::new().text("chat_id", "5000000000");
        let form = form.part("document", Part::bytes(vec![7; bytes]).file_name("large.bin"));
        let before = Instant::now();
        let answer = Self::answer(self.client.post(format!("{}/sendDocument", self.base)).multipart(form)).await;
        assert!(answer["result"]["document"]["file_size"].as_u64() >= u64::try_from(bytes).ok(), "{answer}");
        before.elapsed()
    }

    /// Asks for updates, of which there are none.
    async fn poll(&self) {
        let request = self.client.post(format!("{}/getUpdates", self.base));
        Self::answer(request.header("content-type", "application/json").body(r#"{"timeout":50}"#)).await;
    }
}

/// The milliseconds that so many of a hundred do not exceed.
fn percentile(times: &mut [Duration], of_hundred: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() * of_hundred / 100).min(times.len() - 1)].as_secs_f64() * 1000.0
}

fn mebibytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0
}

fn row(what: &str, direct: &str, through: &str, is: &str, goal: &str) {
    println!("| {what} | {direct} | {through} | {is} | {goal} |");
}

async fn print_times(direct: &Way, gateway: &Way) {
    for (call, what, goal) in
        [(Call::Passed, "a call that passes", "2 ms"), (Call::Recorded, "a call that is recorded", "6 ms")]
    {
        let (mut alone, mut through) = (Vec::new(), Vec::new());
        for number in 0..SINGLE {
            alone.push(direct.call(call, number).await);
            through.push(gateway.call(call, number).await);
        }
        for (share, goal) in [(50, goal), (99, "")] {
            let (alone, through) = (percentile(&mut alone, share), percentile(&mut through, share));
            let [direct, whole, added] = [alone, through, through - alone].map(|it| format!("{it:.2} ms"));
            row(&format!("{what}, p{share}"), &direct, &whole, &format!("{added} more"), goal);
        }
    }
}

async fn print_rates(direct: &Way, gateway: &Way, (calls, rounds): (usize, usize)) {
    for (call, what) in [(Call::Passed, "calls that pass"), (Call::Recorded, "calls that are recorded")] {
        let (mut alone, mut through) = (0.0_f64, 0.0_f64);
        for _ in 0..rounds {
            alone = alone.max(direct.rate(call, calls).await);
            through = through.max(gateway.rate(call, calls).await);
        }
        let [direct, whole] = [alone, through].map(|it| format!("{it:.0} /s"));
        row(what, &direct, &whole, &format!("{:.2} times", through / alone), "500 /s");
    }
}

/// In a process of its own, since only the most memory that one ever had is known.
async fn print_upload(fakes: &Fakes, direct: &Way) {
    let relay = Relay::bridge((fakes.telegram, fakes.kommo), BOTS, &programs(), "gateway");
    let gateway = Way::new(relay.address, &secret(BOT));
    let most = || memory_line(relay.child.id(), "VmHWM:");
    // The first file warms everything up that any file needs.
    gateway.upload(100_000).await;
    let before = most();
    let through = gateway.upload(LARGE_BYTES).await;
    let added = format!("{:.1} MiB more", mebibytes(most() - before));
    let alone = direct.upload(LARGE_BYTES).await;
    let [took, least] = [through, alone].map(|it| format!("{} ms", it.as_millis()));
    let times = through.as_secs_f64() / alone.as_secs_f64();
    row("a file of 45 MiB", &least, &took, &format!("{times:.1} times"), "");
    row("memory that it takes", "", &format!("{:.0} MiB", mebibytes(most())), &added, "32 MB more");
}

/// Waits until Kommo shows what was recorded.
async fn until_shown(fakes: &Fakes, messages: usize) {
    let deadline = Instant::now() + WITHIN;
    while fakes.shown() < messages {
        assert!(Instant::now() < deadline, "Kommo shows {} of {messages}", fakes.shown());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn run() {
    let machine = Machine::here();
    let (calls, rounds) = (wished("TELEKOMMO_BENCH_CALLS", 5000), wished("TELEKOMMO_BENCH_ROUNDS", 3));
    let fakes = Fakes::start().await;
    let places = (fakes.telegram, fakes.kommo);
    let without = {
        let relay = Relay::bridge(places, BOTS, "", "hooks");
        tokio::time::sleep(SETTLED).await;
        relay.memory()
    };
    let relay = Relay::bridge(places, BOTS, &programs(), "gateway");
    let ways: Vec<_> = (0..PROGRAMS).map(|number| Way::new(relay.address, &secret(BOT + number))).collect();
    let polls = join_all(ways.iter().map(Way::poll));
    assert!(tokio::time::timeout(SETTLED, polls).await.is_err(), "there are updates");
    let idle = relay.memory();
    println!("{machine}; {rounds} rounds of {calls} calls, {AT_ONCE} at once, to {CHATS} people\n");
    println!("| | directly | through telekommo | that is | goal |\n|---|---:|---:|---:|---:|");
    let direct = Way::new(fakes.telegram, &token(BOT));
    print_times(&direct, &ways[0]).await;
    print_rates(&direct, &ways[0], (calls, rounds)).await;
    until_shown(&fakes, SINGLE + calls * rounds).await;
    let busy = relay.memory();
    print_upload(&fakes, &direct).await;
    let show = |bytes| format!("{:.0} MiB", mebibytes(bytes));
    let what = format!("memory at rest, {PROGRAMS} programs on {BOTS} bots");
    let more = |bytes: u64| format!("{:.1} MiB more than without programs", mebibytes(bytes.saturating_sub(without)));
    row(&what, "", &show(idle), &more(idle), "60 MB");
    row("memory after all these calls", "", &show(busy), &more(busy), "60 MB");
}

fn main() {
    tokio::runtime::Runtime::new().expect("it starts").block_on(run());
}
