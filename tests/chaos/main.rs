//! Chaos: the real bridge between the sandbox's fakes, and everything that can go wrong around it.
//!
//! The seed decides what goes wrong. `TELEKOMMO_SEED=N TELEKOMMO_CHAOS_SECONDS=600 cargo test --release --test chaos` plays it
//! again. How far the bridge has come when something goes wrong depends on the machine, so a failure may need several runs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, wherever it does")]

use std::{collections::BTreeMap, path::Path, time::Duration};

use bridge::{Bridge, Control};
use checks::{Seen, Verdict};
use people::People;
use plan::{End, Phase, Round, Trouble};
use proxy::{Fault, Proxy};
use rustix::{io::Errno, process::Signal};
use telekommo::sandbox::stage::{LINES, Stage};
use tokio::time::{Instant, sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

mod bridge;
mod checks;
#[path = "../it/power/disk.rs"]
mod disk;
mod people;
mod plan;
mod proxy;
#[path = "../it/power/shim.rs"]
mod shim;
#[path = "../it/power/trace.rs"]
mod trace;

/// How long anything may stand still before it has failed.
const WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the faults last if nothing else is wished, in seconds.
const SECONDS: u64 = 30;
/// The seed if nothing else is wished.
const SEED: u64 = 1;

/// A bridge that does not spend the run waiting.
const SETTINGS: &str = r#"
retry.kommo = ["50ms", "100ms", "200ms", "400ms"]
retry.telegram = ["50ms", "100ms", "200ms", "400ms", "800ms"]
retry.probe_every = "200ms"
kommo.requests_per_second = 500
kommo.timeout = "2s"
kommo.connect_on_start = false
telegram.requests_per_second = 500
telegram.chat_requests_per_second = 500
telegram.group_requests_per_minute = 30000
telegram.chat_burst = 500
telegram.send_timeout = "2s"
telegram.poll_timeout = "2s"
telegram.groups = "relay"
store.reserve_mb = 1
"#;

/// The run as a whole.
struct Run {
    stage: Stage,
    bridge: Bridge,
    people: People,
    ways: [Proxy; 3],
    chance: fastrand::Rng,
    kills: Vec<Seen>,
    happened: BTreeMap<String, usize>,
    slowest: Duration,
    admin: String,
}

fn wished(name: &str, usual: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests")]
    let wished = std::env::var(name).ok();
    wished.map_or(usual, |wished| wished.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

impl Run {
    async fn begin(seed: u64, shim: &Path, tasks: &TaskTracker) -> Self {
        let ways = [
            Proxy::start(seed ^ 1, tasks).await.unwrap(),
            Proxy::start(seed ^ 2, tasks).await.unwrap(),
            Proxy::start(seed ^ 3, tasks).await.unwrap(),
        ];
        let [telegram, kommo, hooks] = &ways;
        let settings = format!(
            "telegram.api_url = \"http://{}\"\nkommo.chats_url = \"http://{}\"\n{SETTINGS}",
            telegram.address(),
            kommo.address(),
        );
        let stage = Stage::without_bridge(&settings).unwrap();
        telegram.lead_to(stage.telegram.address());
        kommo.lead_to(stage.kommo.address());
        stage.hooks_go_to(hooks.address());
        let (bridge, people) = (Bridge::new(&stage, shim.to_owned()), People::begin(&stage));
        let (kills, happened, slowest) = (Vec::new(), BTreeMap::new(), Duration::ZERO);
        let chance = fastrand::Rng::with_seed(seed);
        let mut this = Self { stage, bridge, people, ways, chance, kills, happened, slowest, admin: String::new() };
        this.start().await;
        this
    }

    fn note(&mut self, what: impl Into<String>) {
        *self.happened.entry(what.into()).or_default() += 1;
    }

    fn is_at(&mut self, place: Option<(std::net::SocketAddr, std::net::SocketAddr)>) {
        if let Some((hooks, admin)) = place {
            self.ways[2].lead_to(hooks);
            self.admin = format!("http://{admin}");
        }
    }

    async fn start(&mut self) {
        let place = self.bridge.start().await;
        self.is_at(place);
    }

    async fn tend(&mut self, how_long: Duration) {
        let place = self.bridge.tend(Instant::now() + how_long).await;
        self.is_at(place);
    }

    /// Plays a round.
    async fn play(&mut self, round: &Round) {
        for (way, weather) in self.ways.iter().zip(round.weather) {
            way.set(weather);
        }
        if let Some(name) = round.trouble.name() {
            self.note(name);
        }
        match round.trouble {
            Trouble::None => {}
            Trouble::FullDisk => self.bridge.control(disk_error(Errno::NOSPC)),
            Trouble::DiskError => self.bridge.control(disk_error(Errno::IO)),
            Trouble::ReadOnly => self.bridge.control(disk_error(Errno::ROFS)),
            Trouble::Clock(clock_ms) => self.bridge.control(Control { clock_ms, ..Control::default() }),
            Trouble::Disconnected => self.stage.kommo.set_connected(false),
            Trouble::SecondPoller => self.poll_too().await,
        }
        self.tend(round.lasts).await;
        self.end(round.end).await;
    }

    /// Another program asks for a bot's updates, and confirms none.
    async fn poll_too(&self) {
        let url = format!("{}/bot{}/getUpdates?timeout=0", self.stage.telegram.url(), LINES[0].token);
        reqwest::get(url).await.unwrap();
    }

    async fn end(&mut self, end: End) {
        match end {
            End::RunsOn => return,
            End::Stop => {
                self.note("stopped");
                self.bridge.end(Signal::TERM).await;
            }
            End::Kill => {
                self.note("killed");
                self.bridge.end(Signal::KILL).await;
                self.kills.push(checks::seen(&self.stage));
            }
            End::PowerCut(cut) => {
                self.note("power cut");
                let mut chance = self.chance.fork();
                self.bridge.cut(cut, &mut chance).await;
                self.kills.push(checks::seen(&self.stage));
            }
        }
        self.start().await;
    }

    /// Everything works again.
    fn heal(&self) {
        self.ways.iter().for_each(|way| way.set(None));
        self.bridge.control(Control::default());
        self.stage.kommo.set_connected(true);
    }

    /// Waits until everything has arrived. How long that may take depends on the machine, so it is standing still that fails.
    async fn drain(&mut self) {
        let began = Instant::now();
        let book = self.people.book();
        let (mut least, mut since) = (usize::MAX, Instant::now());
        loop {
            self.tend(LOOK_EVERY).await;
            let left = checks::left(&self.stage, &book) + self.waiting().await;
            if left == 0 {
                break;
            }
            if left < least {
                (least, since) = (left, Instant::now());
            }
            if since.elapsed() > WITHIN {
                let verdict = checks::judge(&self.stage, &book, &self.kills);
                panic!("{left} messages do not arrive: {:#?}\n{}", verdict.problems, tail(&self.bridge.logs()));
            }
        }
        self.slowest = self.slowest.max(began.elapsed());
    }

    /// How many jobs wait.
    async fn waiting(&self) -> usize {
        let Ok(answer) = reqwest::get(format!("{}/metrics", self.admin)).await else { return 1 };
        let metrics = answer.text().await.unwrap();
        let waiting = metrics.lines().filter(|line| line.starts_with("telekommo_waiting_jobs{"));
        waiting.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
    }

    /// Judges what has come of it all.
    async fn judge(&mut self) -> Verdict {
        let mut verdict = checks::judge(&self.stage, &self.people.book(), &self.kills);
        let logs = self.bridge.logs();
        // sled itself gives up in this way where a disk fails. The bridge's own code never does.
        if logs.lines().any(|line| line.contains("panicked at") && !line.contains("/sled-")) {
            verdict.problems.push("the bridge has panicked".to_owned());
        }
        let secrets = LINES.map(|line| line.token.split_once(':').unwrap().1).into_iter();
        for secret in secrets.chain([self.stage.kommo.settings().channel_secret.as_str()]) {
            if logs.contains(secret) {
                verdict.problems.push("a secret is in the log".to_owned());
            }
        }
        let parked = reqwest::get(format!("{}/parked", self.admin)).await.unwrap().text().await.unwrap();
        if parked.contains("\"route\":\"inbound") {
            verdict.problems.push(format!("a customer's message was set aside: {parked}"));
        }
        verdict
    }
}

fn disk_error(error: Errno) -> Control {
    Control { disk_error: error.raw_os_error(), ..Control::default() }
}

/// The newest lines of a log that name trouble.
fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().filter(|line| !line.contains("\"INFO\"")).collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_mixed_up_whatever_goes_wrong() {
    let (seed, seconds) = (wished("TELEKOMMO_SEED", SEED), wished("TELEKOMMO_CHAOS_SECONDS", SECONDS));
    println!("TELEKOMMO_SEED={seed} TELEKOMMO_CHAOS_SECONDS={seconds} plays this again");
    let home = tempfile::TempDir::new().unwrap();
    let Some(shim) = shim::build(home.path()) else {
        println!("SKIPPED: no `cc` is here to build what fails the disk and the clock; install a C compiler");
        return;
    };
    let tasks = TaskTracker::new();
    let mut run = Run::begin(seed, &shim, &tasks).await;
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut phases = 0;
    let verdict = loop {
        phases += 1;
        let phase = Phase::draw(&mut run.chance);
        let stop = CancellationToken::new();
        let talking = run.people.talk(&run.stage, seed ^ phases, &stop);
        for round in &phase.rounds {
            run.play(round).await;
            run.heal();
            sleep(LOOK_EVERY).await;
        }
        stop.cancel();
        talking.wait().await;
        run.drain().await;
        let verdict = run.judge().await;
        assert!(
            verdict.problems.is_empty(),
            "seed {seed}, phase {phases}: {:#?}\n{phase:#?}\n{}",
            verdict.problems,
            tail(&run.bridge.logs())
        );
        if Instant::now() > until {
            break verdict;
        }
    };
    report(&run, &verdict, phases);
    assert_eq!(run.bridge.end(Signal::TERM).await.and_then(|status| status.code()), Some(0));
}

/// The figures, as a table.
fn report(run: &Run, verdict: &Verdict, phases: u64) {
    let mut rows = vec![
        ("phases".to_owned(), phases.to_string()),
        ("messages of customers".to_owned(), verdict.written.to_string()),
        ("new wordings told as messages".to_owned(), verdict.told_anew.to_string()),
        ("answers taken".to_owned(), verdict.accepted.to_string()),
        ("answers delivered".to_owned(), verdict.delivered.to_string()),
        ("answers that may not have arrived".to_owned(), verdict.uncertain.to_string()),
        ("answers that failed".to_owned(), verdict.failed.to_string()),
        ("answers doubled by a kill".to_owned(), verdict.doubled.to_string()),
        ("ended by itself".to_owned(), run.bridge.own_ends.len().to_string()),
        ("slowest recovery".to_owned(), format!("{:.1?}", run.slowest)),
    ];
    rows.extend(run.happened.iter().map(|(what, count)| (what.clone(), count.to_string())));
    let mut faults: BTreeMap<Fault, u64> = BTreeMap::new();
    for (fault, count) in run.ways.iter().flat_map(Proxy::happened) {
        *faults.entry(fault).or_default() += count;
    }
    rows.extend(faults.iter().map(|(fault, count)| (format!("{fault:?}"), count.to_string())));
    for (what, figure) in rows {
        println!("| {what:<34} | {figure:>8} |");
    }
}
