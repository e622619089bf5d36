//! Thousands of slow clients at the public route, and hooks among them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, Harness, LINES, Line};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, interval},
};

use super::process::{Process, run};
use crate::{
    bridge::readers::imported_file,
    support::{BRISK, WITHIN, eventually},
};

const SALES: Line = LINES[0];
/// What all connections together may add to the bridge's memory.
const MOST_ADDED: u64 = 64 << 20;
/// More open files than a bridge needs with its store and its calls, and far fewer than there are clients.
const FEW_FILES: u64 = 128;
/// How long a hook may take on a machine that does other things as well; Kommo waits for 5 seconds.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// What a slow client does.
#[derive(Clone, Copy, Debug)]
enum Slow {
    Silent,
    Head,
    Body,
    HalfClosed,
    Reader,
}

/// How many of each there are.
const CROWD: [(Slow, usize); 5] =
    [(Slow::Silent, 1050), (Slow::Head, 1050), (Slow::Body, 1050), (Slow::HalfClosed, 100), (Slow::Reader, 150)];

/// What the clients need to know.
struct Route {
    address: SocketAddr,
    hooks: String,
    file: String,
    /// How many clients are connected. The bridge takes connections in their order, so it has all of them that were
    /// there before a hook that it has answered.
    inside: AtomicUsize,
}

/// Counts a client for as long as it is connected.
struct Inside<'d>(&'d AtomicUsize);

impl<'d> Inside<'d> {
    fn of(route: &'d Route) -> Self {
        route.inside.fetch_add(1, Ordering::Relaxed);
        Self(&route.inside)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Route {
    fn first_words(&self, slow: Slow) -> String {
        let hook = format!("POST {} HTTP/1.1\r\nhost: x\r\nx-signature: {}\r\n", self.hooks, "0".repeat(40));
        match slow {
            Slow::Silent => String::new(),
            Slow::Head | Slow::HalfClosed => hook,
            Slow::Body => format!("{hook}content-length: 1000000\r\n\r\n{{"),
            Slow::Reader => format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", self.file),
        }
    }

    /// Is slow for as long as the other end puts up with it.
    async fn visit(&self, slow: Slow) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        let _inside = Inside::of(self);
        stream.write_all(self.first_words(slow).as_bytes()).await?;
        if matches!(slow, Slow::HalfClosed) {
            stream.shutdown().await?;
        }
        let mut beat = interval(Duration::from_secs(1));
        loop {
            match slow {
                Slow::Head | Slow::Body => {
                    beat.tick().await;
                    stream.write_all(b"x").await?;
                }
                Slow::Silent | Slow::HalfClosed => return stream.read(&mut [0; 8]).await.map(drop),
                Slow::Reader => {
                    beat.tick().await;
                    if stream.read(&mut [0; 8]).await? == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Comes again whenever it is shut out.
    async fn haunt(self: Arc<Self>, slow: Slow) {
        let mut again = interval(Duration::from_millis(200));
        loop {
            again.tick().await;
            // However a visit ends, there is another one.
            let _ = self.visit(slow).await;
        }
    }
}

async fn started(stage: &Harness) -> (Process, Arc<Route>) {
    let process = Process::start(stage, run(stage)).await;
    stage.telegram.write(SALES.token, ANNA, "/start");
    let begun = |stage: &Harness| stage.kommo.chat(&conversation()).is_some();
    stage.until("Kommo has the chat", WITHIN, begun).await.unwrap();
    let address = process.ports().await.hooks;
    let hooks = format!("/kommo/{}", stage.kommo.settings().scope_id());
    let file = imported_file(stage).path().to_owned();
    (process, Arc::new(Route { address, hooks, file, inside: AtomicUsize::new(0) }))
}

fn conversation() -> String {
    format!("tg:{}:{ANNA}", SALES.source)
}

/// A manager writes; gives how long the hook took.
async fn hook(stage: &Harness, text: &str) -> Duration {
    let begun = Instant::now();
    let (_, answer) = stage.kommo.reply(&conversation(), "Maria", text).await;
    assert_eq!(answer.status, Some(200), "the hook of {text:?}, after {:?}", begun.elapsed());
    begun.elapsed()
}

/// Hooks come for longer than any slow client is put up with.
async fn hooks_are_answered(stage: &Harness) {
    let mut every = interval(Duration::from_millis(400));
    let mut took = Vec::new();
    for number in 0..20 {
        every.tick().await;
        took.push(hook(stage, &format!("answer {number}")).await);
    }
    took.sort();
    println!("hooks took {took:?}");
    assert!(took[10] < Duration::from_secs(1) && took[19] < ANSWERED_WITHIN, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_are_answered_among_three_thousand_slow_clients_in_little_memory() {
    telekommo::serve::raise_open_files();
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (process, route) = started(&stage).await;
    hook(&stage, "before").await;
    let before = process.most_memory();

    let mut crowd = JoinSet::new();
    for slow in CROWD.into_iter().flat_map(|(slow, count)| std::iter::repeat_n(slow, count)) {
        crowd.spawn(Arc::clone(&route).haunt(slow));
    }
    let inside = || route.inside.load(Ordering::Relaxed);
    eventually("three thousand clients are connected", async || inside() > 3000).await;
    hooks_are_answered(&stage).await;
    let (clients, added) = (inside(), process.most_memory() - before);
    println!("{clients} clients, {} KiB added to {} KiB", added >> 10, before >> 10);
    assert!(clients > 2000, "{clients} clients: hardly anybody is there any more");
    assert!(added < MOST_ADDED, "{} KiB were added to {} KiB", added >> 10, before >> 10);
    drop(crowd);
    assert!(process.end(Signal::TERM).await.status.success());
}

/// Sends all of a large body but its last byte, at once, for ever.
async fn almost_all(route: Arc<Route>) {
    let length = 1024 * 1024;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nx-signature: {}\r\ncontent-length: {length}\r\n\r\n",
        route.hooks,
        "0".repeat(40)
    );
    let body = vec![b' '; length - 1];
    loop {
        let visit = async {
            let mut stream = TcpStream::connect(route.address).await?;
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.read(&mut [0; 64]).await
        };
        let _ = visit.await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_hooks_are_answered_among_large_bodies_that_never_end_in_little_memory() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (process, route) = started(&stage).await;
    hook(&stage, "before").await;
    let before = process.most_memory();

    let mut crowd = JoinSet::new();
    for _ in 0..200 {
        crowd.spawn(almost_all(Arc::clone(&route)));
    }
    process.logged("the slowest clients were dropped").await;
    hooks_are_answered(&stage).await;
    let added = process.most_memory() - before;
    println!("{} KiB added to {} KiB", added >> 10, before >> 10);
    assert!(added < MOST_ADDED, "{} KiB were added to {} KiB", added >> 10, before >> 10);
    drop(crowd);
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_are_answered_even_when_no_file_can_be_opened_any_more() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (process, route) = started(&stage).await;
    hook(&stage, "before").await;
    process.limit_open_files(FEW_FILES);

    let mut crowd = JoinSet::new();
    for _ in 0..300 {
        crowd.spawn(Arc::clone(&route).haunt(Slow::Silent));
    }
    process.logged("connections cannot be accepted").await;
    hooks_are_answered(&stage).await;
    drop(crowd);
    let complaints = process.stderr().matches("connections cannot be accepted").count();
    println!("{complaints} complaints");
    assert!(complaints < 5, "{complaints} lines say the same");
    assert!(process.end(Signal::TERM).await.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_not_read_for_its_head_is_told_with_who_sent_it_and_why() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let (process, route) = started(&stage).await;
    let mut stream = TcpStream::connect(route.address).await.unwrap();
    let both = "content-length: 0\r\ntransfer-encoding: chunked\r\n";
    stream.write_all(format!("POST {} HTTP/1.1\r\nhost: x\r\n{both}\r\n", route.hooks).as_bytes()).await.unwrap();
    let line = process.logged("if they come from your web server, hooks are lost").await;
    for part in ["\"WARN\"", "127.0.0.1", "the length of the body is ambiguous"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(process.end(Signal::TERM).await.status.success());
}
