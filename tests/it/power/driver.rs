//! The process whose power is cut: it uses a store as a bridge does, and says what was acknowledged to it.

use std::{
    cell::RefCell,
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use futures_util::future::join_all;
use telekommo::{
    domain::{
        address::{BotId, Conversation, SourceId},
        job::{Hook, IdempotencyKey, Job, Lane, Raw, Route, Update},
        time::UnixMillis,
    },
    store::{Intake, NewJob, Outcome, Settings, Store},
};

pub(super) const NOW: UnixMillis = UnixMillis(1_786_017_600_000);
pub(super) const BOT: BotId = BotId(7);
/// The variable that names the folder for a process that is to be this one.
pub(super) const ROOT: &str = "POWER_ROOT";
/// What was acknowledged is written down here, beside the data directory.
pub(super) const MARKS: &str = "marks";
const LARGE: usize = 16_000;
const LARGEST: usize = 1_048_000;

pub(super) fn source() -> SourceId {
    SourceId::parse("sales").unwrap()
}

pub(super) fn data(root: &Path) -> PathBuf {
    root.join("new/data")
}

pub(super) fn dump(data: &Path) -> PathBuf {
    data.join("dumps/store-00000001.jsonl")
}

pub(super) fn settings(dir: PathBuf) -> Settings {
    let (dedupe_for, links_for) = (Duration::from_hours(1), Duration::from_hours(1));
    Settings { dir, cache_bytes: 4 << 20, reserve_bytes: 0, dedupe_for, links_for, parked_for: links_for }
}

/// A name of a message of so many bytes. It tells all of its text.
fn name(kind: &str, number: usize, bytes: usize) -> String {
    format!("{kind}-{number:03}-{bytes}")
}

/// The text that a name tells: of numbers, so that no two pieces of it are the same.
pub(super) fn text(name: &str) -> String {
    static NUMBERS: LazyLock<String> = LazyLock::new(|| {
        let numbers: Vec<_> = (0..200_000).map(|number| number.to_string()).collect();
        numbers.join(" ")
    });
    let bytes: usize = name.rsplit('-').next().unwrap().parse().unwrap();
    let start: usize = name.bytes().map(|byte| usize::from(byte) * 7).sum();
    format!("{name}|{}", &NUMBERS[start..start + bytes])
}

/// The name of a job; `None` if its text is not what its name tells.
pub(super) fn name_of(job: &Job) -> Option<&str> {
    let Job::Raw(Raw::Update(Update { raw, .. }) | Raw::Hook(Hook { raw })) = job else {
        panic!("{job:?} is not of this test")
    };
    let name = raw.split('|').next()?;
    (*raw == text(name)).then_some(name)
}

fn job(name: &str) -> NewJob {
    let conversation = Conversation::new(source(), 5);
    let raw = text(name);
    let (lane, job) = if name.starts_with("hook") {
        (Lane::outbound(&conversation), Job::from(Hook { raw }))
    } else {
        (Lane::inbound(&conversation), Job::from(Update { source: source(), bot: BOT, raw, program: None }))
    };
    NewJob { id: Some(IdempotencyKey(name.to_owned())), lane, job }
}

struct Driver {
    store: Store,
    data: PathBuf,
    marks: File,
    taken: i64,
}

impl Driver {
    fn say(&mut self, verb: &str, name: &str) {
        self.marks.write_all(format!("{verb} {name}\n").as_bytes()).unwrap();
    }

    /// Messages that come in one batch, with the next offset.
    async fn batch(&mut self, names: &[String]) {
        self.taken += i64::try_from(names.len()).unwrap();
        let jobs = names.iter().map(|name| job(name)).collect();
        self.store.push(Intake { jobs, offset: Some((BOT, self.taken)) }, NOW).await.unwrap();
        for name in names {
            self.say("pushed", name);
        }
        self.say("offset", &self.taken.to_string());
    }

    /// Hooks that come side by side.
    async fn hooks(&mut self, names: &[String]) {
        let (store, marks) = (self.store.clone(), RefCell::new(&mut self.marks));
        join_all(names.iter().map(async |name| {
            store.push(Intake { jobs: vec![job(name)], offset: None }, NOW).await.unwrap();
            marks.borrow_mut().write_all(format!("pushed {name}\n").as_bytes()).unwrap();
        }))
        .await;
    }

    /// Works off the first messages of a route: most are done, some are set aside.
    async fn job(&mut self, route: &Route, count: usize) {
        for number in 0..count {
            let lease = self.store.claim(route, NOW).unwrap().expect("something waits");
            let name = name_of(lease.job()).expect("it is whole").to_owned();
            if number % 5 == 4 {
                self.say("parking", &name);
                lease
                    .settle(Outcome::Park { why: "test".to_owned(), then: Vec::new(), needs_person: true }, NOW)
                    .await
                    .unwrap();
                self.say("parked", &name);
            } else {
                self.say("settling", &name);
                lease.settle(Outcome::Done { then: Vec::new(), changes: Vec::new() }, NOW).await.unwrap();
                self.say("settled", &name);
            }
        }
    }

    async fn reopen(&mut self) {
        self.store.clone().close().await.unwrap();
        self.store = Store::open(settings(self.data.clone())).unwrap();
        self.say("opened", "again");
    }

    /// Takes everything that a bridge meets: small rows, many at once, bursts of large ones, and the largest that it
    /// accepts.
    async fn talk(&mut self, round: usize) {
        let names =
            |kind: &str, bytes, count: usize| (0..count).map(|it| name(kind, round * 1000 + it, bytes)).collect();
        let burst = if round == 0 { 72 } else { 12 };
        let small: Vec<_> = names("small", 40, 20);
        self.batch(&small[..10]).await;
        self.hooks(&names("hook", 60, 24)).await;
        self.batch(&names("update", LARGE, 12)).await;
        self.hooks(&names("hook-large", LARGE, 12)).await;
        self.batch(&names("burst", LARGE, burst)).await;
        self.hooks(&names("hook-burst", LARGE, burst)).await;
        self.batch(&names("largest", LARGEST, 1)).await;
        self.hooks(&names("hook-largest", LARGEST, 1)).await;
        self.batch(&names("many", 30, 400)).await;
        self.batch(&small[10..]).await;
        self.job(&Route::Inbound, 30).await;
        self.job(&Route::Outbound(source()), 30).await;
        self.store.pack_expiries().await.unwrap();
    }
}

async fn drive(root: &Path) {
    let data = data(root);
    let mut marks = OpenOptions::new().create(true).append(true).open(root.join(MARKS)).unwrap();
    let store = Store::open(settings(data.clone())).unwrap();
    marks.write_all(b"opened new\n").unwrap();
    let mut driver = Driver { store, data: data.clone(), marks, taken: 0 };
    driver.talk(0).await;
    driver.reopen().await;
    driver.talk(1).await;
    let dump = dump(&data);
    std::fs::create_dir(dump.parent().unwrap()).unwrap();
    File::open(&data).unwrap().sync_all().unwrap();
    driver.store.dump(&dump, NOW).unwrap();
    driver.say("dumped", "1");
    driver.talk(2).await;
    driver.store.clone().close().await.unwrap();
    driver.say("opened", "before the compaction");
    Store::compact(&data).unwrap();
    driver.say("opened", "once compacted");
    driver.store = Store::open(settings(data.clone())).unwrap();
    driver.say("opened", "compacted");
    driver.talk(4).await;
    driver.store.clone().close().await.unwrap();
    driver.say("restoring", "1");
    Store::restore(&data, &dump).unwrap();
    driver.say("restored", "1");
    driver.store = Store::open(settings(data)).unwrap();
    driver.say("opened", "restored");
    driver.talk(3).await;
    driver.store.clone().close().await.unwrap();
}

/// Run by the test of the power cuts, in a process of its own.
#[tokio::test]
#[ignore = "the test of the power cuts runs it"]
async fn is_driven() {
    #[expect(clippy::disallowed_methods, reason = "how the test tells the process that it starts")]
    let root = std::env::var(ROOT).expect("the test of the power cuts says where");
    drive(Path::new(&root)).await;
}
