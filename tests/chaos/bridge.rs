//! The bridge as a process of its own, on a disk that forgets what was not synced.

use std::{
    fs,
    net::SocketAddr,
    os::unix::{fs::FileExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use telekommo::sandbox::harness::Harness;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::{
    WITHIN,
    command::Given,
    disk::{Cut, Disk},
    import::Import,
    log::Log,
    options,
    pki::Authority,
    trace::{self, Op},
};

/// Whose certificates the machine trusts.
const AUTHORITY: &str = "authority.pem";
/// Where in the data folder imports keep what they know.
const IMPORTS: &str = "imports";
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the preloaded library reads while the bridge runs: how far its clock is off, and how its disk fails.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Control {
    pub(crate) clock_ms: i64,
    pub(crate) disk_error: i32,
}

/// When the disk failed, which lets the bridge end by itself.
#[derive(Clone, Copy, Debug, Default)]
struct DiskFailures {
    now: bool,
    in_this_life: bool,
    /// Since the log was judged, or in the life that went on then.
    since_judged: bool,
}

/// The bridge and the machine that it runs on.
pub(crate) struct Bridge {
    shim: PathBuf,
    pub(super) data: PathBuf,
    folder: PathBuf,
    config: PathBuf,
    log: Log,
    /// How much further than this machine's clock its own has come while it slept, in milliseconds.
    slept_ms: i64,
    pub(super) disk: Disk,
    running: Option<Running>,
    started: usize,
    /// How it ended by itself.
    pub(crate) own_ends: Vec<ExitStatus>,
    /// How it ended without a reason.
    pub(crate) bad_ends: Vec<String>,
    disk_failures: DiskFailures,
    /// Whether a bit of the store is another one. Nobody knows when that is noticed.
    pub(super) is_flipped: bool,
}

struct Running {
    child: Child,
    log: PathBuf,
    trace: PathBuf,
}

impl Bridge {
    /// A machine without anything on its disk.
    pub(crate) fn new(stage: &Harness, shim: PathBuf, authority: &Authority) -> Self {
        let (data, folder) = (stage.dir().join("data"), stage.dir().join("machine"));
        for folder in [&data, &folder] {
            fs::create_dir(folder).unwrap();
        }
        let disk = Disk::of(&data);
        let config = stage.write_config().unwrap();
        authority.write(&folder.join(AUTHORITY));
        let log = Log::new(&folder, options::log());
        let mut this = Self {
            shim,
            data,
            folder,
            config,
            log,
            slept_ms: 0,
            disk,
            running: None,
            started: 0,
            own_ends: Vec::new(),
            bad_ends: Vec::new(),
            disk_failures: DiskFailures::default(),
            is_flipped: false,
        };
        this.control(Control::default());
        this
    }

    /// A command of its operator's, beside it.
    pub(crate) fn give(&self, name: &'static str, more: Option<&Path>) -> Given {
        Given::give(name, more, &self.config, &self.folder)
    }

    /// Where a backup of it goes.
    pub(crate) fn backup(&self) -> PathBuf {
        self.folder.join("backup.jsonl")
    }

    /// What imports beside it.
    pub(crate) fn import(&self) -> Import {
        let clock = (self.shim.clone(), self.control_file());
        Import::new(self.config.clone(), self.folder.join(AUTHORITY), self.folder.clone(), clock)
    }

    /// Sets the machine's clock and lets its disk fail.
    pub(crate) fn control(&mut self, to: Control) {
        let failures = &mut self.disk_failures;
        failures.now = to.disk_error != 0;
        failures.in_this_life |= failures.now;
        failures.since_judged |= failures.now;
        let clock_ms = self.slept_ms + to.clock_ms;
        let bytes = [&clock_ms.to_ne_bytes()[..], &to.disk_error.to_ne_bytes(), &[0; 4]].concat();
        // The process has it in its memory: it must never be shorter.
        let file = fs::File::options().write(true).create(true).truncate(false).open(self.control_file()).unwrap();
        file.write_all_at(&bytes, 0).unwrap();
    }

    /// Whether the database may have given up since this was last asked.
    pub(crate) fn may_have_given_up(&mut self) -> bool {
        let DiskFailures { in_this_life, since_judged, .. } = self.disk_failures;
        self.disk_failures.since_judged = in_this_life;
        since_judged || self.is_flipped
    }

    fn control_file(&self) -> PathBuf {
        self.folder.join("control")
    }

    /// Starts the bridge. What it says goes to a file.
    fn spawn(&mut self) {
        self.started += 1;
        self.disk_failures.in_this_life = self.disk_failures.now;
        let (log, trace) = (self.log.file(self.started), self.folder.join(format!("trace-{}", self.started)));
        let mut command = Command::new(env!("CARGO_BIN_EXE_telekommo"));
        command.args(["run", "--config"]).arg(&self.config).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        command.env("LD_PRELOAD", &self.shim).env("POWER_ROOT", &self.data).env("POWER_TRACE", &trace);
        command.env("POWER_CONTROL", self.control_file()).env("TELEKOMMO_LOG__FORMAT", "json");
        command.env("SSL_CERT_FILE", self.folder.join(AUTHORITY));
        if self.log.is_kept() {
            command.env("TELEKOMMO_LOG__LEVEL", "debug");
        }
        let child = command.stderr(fs::File::create(&log).unwrap()).kill_on_drop(true).spawn().unwrap();
        self.running = Some(Running { child, log, trace });
    }

    /// Waits until it is up, and tells where it listens for Kommo. None if it ends first.
    async fn is_up(&mut self) -> Option<SocketAddr> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let running = self.running.as_mut()?;
            let log = fs::read_to_string(&running.log).unwrap();
            if let Some(line) = log.lines().find(|line| line.contains("telekommo is up")) {
                let line: Value = serde_json::from_str(line).unwrap();
                return Some(line["hooks"].as_str().unwrap().parse().unwrap());
            }
            if let Some(status) = running.child.try_wait().unwrap() {
                self.has_ended(status);
                return None;
            }
            assert!(Instant::now() < deadline, "the bridge does not come up:\n{log}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Its process, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.running.as_ref()?.child.id()
    }

    /// Starts it, once.
    pub(crate) async fn start(&mut self) -> Option<SocketAddr> {
        self.spawn();
        self.is_up().await
    }

    /// Waits for a while, and tells whether it has ended by itself meanwhile, or does not run at all.
    pub(crate) async fn has_ended_by(&mut self, until: Instant) -> bool {
        while Instant::now() < until {
            sleep(LOOK_EVERY).await;
            if let Some(status) = self.running.as_mut().and_then(|running| running.child.try_wait().unwrap()) {
                self.has_ended(status);
            }
            if self.running.is_none() {
                return true;
            }
        }
        false
    }

    /// The process has gone: what it did to its disk is known in full now.
    fn has_gone(&mut self) {
        if let Some(running) = self.running.take() {
            // What an import has made there, the bridge only reads. Nobody has seen it being made: a cut takes all of
            // it.
            let imports = self.data.join(IMPORTS);
            let is_own = |op: &Op| !matches!(op, Op::Open { path, .. } if Path::new(path).starts_with(&imports));
            for op in trace::read(&running.trace).into_iter().filter(is_own) {
                self.disk.apply(&op);
            }
            fs::remove_file(running.trace).unwrap();
        }
    }

    fn has_ended(&mut self, status: ExitStatus) {
        self.own_ends.push(status);
        self.note_end("by itself", status);
        self.has_gone();
    }

    /// Notes an end that nothing explains.
    fn note_end(&mut self, how: &str, status: ExitStatus) {
        if !self.disk_failures.in_this_life && !self.is_flipped {
            self.bad_ends.push(format!("the bridge ended {how}, though its disk was well: {status}"));
        }
    }

    fn signal(&self, signal: Signal) {
        let id = self.running.as_ref().and_then(|running| running.child.id());
        if let Some(id) = id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // It may end by itself in this very moment.
            let _gone = kill_process(id, signal);
        }
    }

    /// The machine sleeps for a while, and finds its clock so much further when it wakes up.
    pub(crate) async fn sleep(&mut self, real: Duration, by_the_clock: Duration) {
        self.signal(Signal::STOP);
        sleep(real).await;
        self.slept_ms += i64::try_from(by_the_clock.as_millis()).unwrap();
        self.control(Control::default());
        self.signal(Signal::CONT);
    }

    /// Changes its configuration, and asks it to read that again, unless somebody else does. One that does not run
    /// reads it when it starts.
    pub(crate) fn reconfigure(&self, change: impl FnOnce(&str) -> String, is_commanded: bool) {
        // Nobody may read half of it.
        let next = self.config.with_extension("next");
        fs::write(&next, change(&self.config())).unwrap();
        fs::set_permissions(&next, fs::metadata(&self.config).unwrap().permissions()).unwrap();
        fs::rename(&next, &self.config).unwrap();
        if !is_commanded {
            self.signal(Signal::HUP);
        }
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> String {
        fs::read_to_string(&self.config).unwrap()
    }

    /// Sends a signal and waits for the end; none if it had ended before.
    pub(crate) async fn end(&mut self, signal: Signal) -> Option<ExitStatus> {
        self.signal(signal);
        let child = &mut self.running.as_mut()?.child;
        let ended = tokio::time::timeout(WITHIN, child.wait()).await;
        assert!(ended.is_ok(), "the bridge does not end:\n{}", self.troubles());
        let status = ended.ok().and_then(Result::ok);
        let is_right = |status: &ExitStatus| match signal {
            Signal::KILL => status.signal() == Some(signal.as_raw()),
            _ => status.code() == Some(0),
        };
        if let Some(status) = status.filter(|status| !is_right(status)) {
            self.note_end("otherwise than it was asked to", status);
        }
        self.has_gone();
        status
    }

    /// Everything that it has said in this life, or in its last one if it does not run.
    pub(crate) fn last_words(&self) -> String {
        fs::read_to_string(self.log.file(self.started)).unwrap()
    }

    /// The power goes: the disk keeps what was synced, and of the rest what it likes.
    pub(crate) async fn cut(&mut self, cut: Cut, chance: &mut fastrand::Rng) {
        self.end(Signal::KILL).await;
        fs::remove_dir_all(&self.data).unwrap();
        self.disk.cut(cut, chance, &self.data);
        self.disk = Disk::of(&self.data);
    }

    /// What it has said since this was last asked.
    pub(crate) fn news(&mut self) -> String {
        self.log.news(self.started)
    }

    /// The newest lines that name trouble.
    pub(crate) fn troubles(&mut self) -> String {
        self.log.troubles(self.started)
    }
}
