//! A telekommo of its own process.

use std::{
    fs::File,
    net::SocketAddr,
    os::fd::AsRawFd as _,
    path::Path,
    process::{ExitStatus, Output, Stdio},
    sync::{Arc, LazyLock},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;
use telekommo::sandbox::harness::Harness;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use crate::{hush::assert_hushed, support::WITHIN};

/// The binary, with `arguments` and nothing in its environment but what is added.
pub(crate) fn telekommo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telekommo"));
    command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// `telekommo <command> --config <file>`.
pub(crate) fn with_config(command: &str, file: &Path) -> Command {
    telekommo(&[command, "--config", file.to_str().expect("temporary folders have plain names")])
}

/// `telekommo run` as the stage's bridge, with a log that is read by programs.
pub(crate) fn run(stage: &Harness) -> Command {
    let mut command = with_config("run", &stage.write_config().unwrap());
    command.env("TELEKOMMO_LOG__FORMAT", "json");
    command
}

/// The same command as another user, who may not be let into the folder that the binary was built in: its file is open
/// here.
pub(crate) fn as_user(command: &Command, (user, group): (u32, u32)) -> Command {
    static BINARY: LazyLock<File> = LazyLock::new(|| File::open(env!("CARGO_BIN_EXE_telekommo")).unwrap());
    let std = command.as_std();
    let mut theirs = Command::new(format!("/proc/self/fd/{}", BINARY.as_raw_fd()));
    theirs.args(std.get_args()).env_clear().stdin(Stdio::null()).kill_on_drop(true).uid(user).gid(group);
    theirs.envs(std.get_envs().filter_map(|(name, value)| Some((name, value?))));
    theirs
}

/// Waits until a command that ends by itself has ended.
pub(crate) async fn finished(mut command: Command) -> Output {
    let output = timeout(WITHIN, command.output()).await.expect("the command ends").unwrap();
    assert_hushed("what a command prints", &String::from_utf8_lossy(&output.stdout));
    assert_hushed("what a command complains of", &String::from_utf8_lossy(&output.stderr));
    output
}

/// A stream's text.
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A process that runs. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    is_sandbox: bool,
    stdout: Arc<watch::Sender<String>>,
    stderr: Arc<watch::Sender<String>>,
    readers: [JoinHandle<()>; 2],
}

/// How a process ended, and what it said on stderr.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

/// Where a bridge listens.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) hooks: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Process {
    /// Starts it.
    pub(crate) fn spawn(mut command: Command) -> Self {
        // The sandbox tells whoever tries it what to put into a configuration.
        let is_sandbox = command.as_std().get_args().any(|word| word == "sandbox");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = [
            collect(child.stdout.take().unwrap(), Arc::clone(&stdout)),
            collect(child.stderr.take().unwrap(), Arc::clone(&stderr)),
        ];
        Self { child, is_sandbox, stdout, stderr, readers }
    }

    /// Starts a bridge with this command, waits until it is up and lets Kommo send its hooks there.
    pub(crate) async fn start(stage: &Harness, command: Command) -> Self {
        let process = Self::spawn(command);
        stage.hooks_go_to(process.ports().await.hooks);
        process
    }

    /// Where the bridge listens, as its log tells once it is up.
    pub(crate) async fn ports(&self) -> Ports {
        let line = self.logged("telekommo is up").await;
        let line: Value = serde_json::from_str(&line).unwrap();
        let port = |name: &str| line[name].as_str().unwrap().parse().unwrap();
        Ports { hooks: port("hooks"), admin: port("admin") }
    }

    /// The first line on stderr with this in it.
    pub(crate) async fn logged(&self, part: &str) -> String {
        line(&self.stderr, part).await
    }

    /// The first line on stdout with this in it.
    pub(crate) async fn printed(&self, part: &str) -> String {
        line(&self.stdout, part).await
    }

    /// Waits until `condition` holds for what is on stderr, looking again with every line.
    pub(crate) async fn logs_until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let mut changes = self.stderr.subscribe();
        let waited = timeout(WITHIN, changes.wait_for(|text| condition(text))).await;
        assert!(waited.is_ok(), "never: {what}; the log is\n{}", self.stderr());
    }

    /// The most memory that it has had at any time, in bytes.
    pub(crate) fn most_memory(&self) -> u64 {
        let status = self.told_by_system("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// What the system tells others of it: the file of that name below its folder in `/proc`.
    pub(crate) fn told_by_system(&self, name: &str) -> String {
        let id = self.child.id().expect("the process runs");
        String::from_utf8_lossy(&std::fs::read(format!("/proc/{id}/{name}")).unwrap()).into_owned()
    }

    /// To whom the system has given this file below its folder in `/proc`.
    pub(crate) fn owner_of(&self, name: &str) -> u32 {
        let id = self.child.id().expect("the process runs");
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(format!("/proc/{id}/{name}")).unwrap())
    }

    /// Lets it open no more files than this.
    pub(crate) fn limit_open_files(&self, most: u64) {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        prlimit(Some(self.pid()), Resource::Nofile, limit).unwrap();
    }

    /// Everything on stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.borrow().clone()
    }

    /// Everything on stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.borrow().clone()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        let id = self.child.id().expect("the process has not been waited for");
        i32::try_from(id).ok().and_then(Pid::from_raw).unwrap()
    }

    /// Waits for its end. No secret may be in anything that it has said.
    pub(crate) async fn ended(mut self) -> Ended {
        let status = timeout(WITHIN, self.child.wait()).await.expect("the process ends").unwrap();
        for reader in self.readers {
            reader.await.unwrap();
        }
        assert_hushed("the log", &self.stderr.borrow());
        if !self.is_sandbox {
            assert_hushed("what a process prints", &self.stdout.borrow());
        }
        Ended { status, stderr: self.stderr.borrow().clone() }
    }

    /// Sends a signal and waits for the end.
    pub(crate) async fn end(self, signal: Signal) -> Ended {
        self.signal(signal);
        self.ended().await
    }
}

async fn line(stream: &watch::Sender<String>, part: &str) -> String {
    let find = |text: &str| text.lines().find(|line| line.contains(part)).map(str::to_owned);
    let mut changes = stream.subscribe();
    let found = timeout(WITHIN, changes.wait_for(|text| find(text).is_some())).await;
    let Ok(text) = found else {
        panic!(
            "never said {part:?}, only:
{}",
            *stream.borrow()
        )
    };
    find(&text.expect("the sender lives as long as the process")).expect("just found")
}

/// Whole lines only: a line that is still being written might miss its end.
fn collect(stream: impl AsyncRead + Send + Unpin + 'static, text: Arc<watch::Sender<String>>) -> JoinHandle<()> {
    let mut lines = BufReader::new(stream).lines();
    #[expect(clippy::disallowed_methods, reason = "a test has no lifecycle; the process waits for its readers")]
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            text.send_modify(|text| {
                text.push_str(&line);
                text.push('\n');
            });
        }
    })
}
