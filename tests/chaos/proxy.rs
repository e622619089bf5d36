//! What lies between the bridge and a remote: it hands on what comes, or does to it what the weather says.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fault::{After, Course};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};
use tokio_util::{either::Either, task::TaskTracker};

pub(crate) use fault::Fault;
pub(crate) use message::Message;
pub(crate) use tls::Certificates;
use tls::{Client, reset};

use crate::WITHIN;

mod fault;
mod message;
mod tls;

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many answers are remembered.
const REMEMBERED: usize = 20;

/// What goes wrong, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weather {
    pub(crate) fault: Fault,
    /// Of a hundred requests so many.
    pub(crate) percent: u8,
}

/// Sees each request that the remote has answered, with its own answer, whatever becomes of that.
pub(crate) type Watch = Arc<dyn Fn(&Message, &Message) + Send + Sync>;

/// The longest answer that is given to another request, in bytes.
const LONGEST_KEPT: usize = 8192;

/// A proxy in front of one remote.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// With which it speaks TLS. What comes to the bridge has none.
    certificates: Option<Arc<Certificates>>,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    remote: Option<SocketAddr>,
    weather: Option<Weather>,
    chance: fastrand::Rng,
    happened: BTreeMap<Fault, u64>,
    /// What has happened since somebody asked.
    lately: BTreeSet<Fault>,
    /// How many requests are under way.
    open: usize,
    panics: usize,
    /// The newest answers, each with its path.
    answers: VecDeque<(String, Message)>,
    watches: Vec<Watch>,
    /// How often somebody took a certificate that is not good.
    deceived: usize,
}

impl Proxy {
    /// Begins to listen. There is nobody behind it yet.
    pub(crate) async fn start(certificates: Option<Certificates>, tasks: &TaskTracker) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let chance = fastrand::Rng::with_seed(0);
        let state = State {
            remote: None,
            weather: None,
            chance,
            happened: BTreeMap::new(),
            lately: BTreeSet::new(),
            open: 0,
            panics: 0,
            answers: VecDeque::new(),
            watches: Vec::new(),
            deceived: 0,
        };
        let certificates = certificates.map(Arc::new);
        let this = Self { certificates, address: listener.local_addr()?, state: Arc::new(Mutex::new(state)) };
        let (proxy, connections) = (this.clone(), tasks.clone());
        tasks.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = proxy.clone();
                // A connection that breaks is what this is for.
                proxy.state().open += 1;
                let served = proxy.clone();
                let serving = connections.spawn(async move { drop(served.serve(client).await) });
                connections.spawn(async move {
                    let end = serving.await;
                    let mut state = proxy.state();
                    state.open -= 1;
                    state.panics += usize::from(end.is_err_and(|error| error.is_panic()));
                });
            }
        });
        Ok(this)
    }

    /// The base address for clients, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whom the requests are for, from now on.
    pub(crate) fn lead_to(&self, remote: SocketAddr) {
        self.state().remote = Some(remote);
    }

    /// What is left to chance follows from this, from now on.
    pub(crate) fn follow(&self, seed: u64) {
        self.state().chance = fastrand::Rng::with_seed(seed);
    }

    /// Who else sees what passes, from now on.
    pub(crate) fn show(&self, watch: Watch) {
        self.state().watches.push(watch);
    }

    /// What happens to them, from now on.
    pub(crate) fn set(&self, weather: Option<Weather>) {
        self.state().weather = weather;
    }

    /// What has happened to them so far, and how often.
    pub(crate) fn happened(&self) -> BTreeMap<Fault, u64> {
        self.state().happened.clone()
    }

    /// How often somebody took a certificate that is not good.
    pub(crate) fn deceived(&self) -> usize {
        self.state().deceived
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to the next request.
    fn draw(&self) -> Option<Fault> {
        let mut state = self.state();
        let Weather { fault, percent } = state.weather?;
        (state.chance.u8(0..100) < percent).then_some(fault)
    }

    /// Counts what has come of a request.
    fn note(&self, fault: Fault) {
        let mut state = self.state();
        *state.happened.entry(fault).or_default() += 1;
        state.lately.insert(fault);
    }

    /// What has happened since this was last asked.
    pub(crate) fn lately(&self) -> BTreeSet<Fault> {
        std::mem::take(&mut self.state().lately)
    }

    /// Waits until nothing of what came is under way.
    pub(crate) async fn until_idle(&self) {
        let deadline = Instant::now() + WITHIN;
        while self.state().open > 0 {
            assert!(Instant::now() < deadline, "{} requests do not end", self.state().open);
            sleep(LOOK_EVERY).await;
        }
    }

    /// How often its own code has panicked.
    pub(crate) fn panics(&self) -> usize {
        self.state().panics
    }

    fn reset_unseen(&self, client: Client) -> io::Result<()> {
        self.note(Fault::ResetBefore);
        reset(client)
    }

    async fn serve(&self, client: TcpStream) -> io::Result<()> {
        let fault = self.draw();
        if fault == Some(Fault::Refused) {
            self.note(Fault::Refused);
            return reset(Either::Left(client));
        }
        let Some(mut client) = self.greet(client, fault).await? else { return Ok(()) };
        let Some(request) = message::request(&mut client).await? else { return Ok(()) };
        let Some(fault) = fault else { return self.hand_on(request, client, None).await };
        if request.is_for_a_file() && fault.passes_for_a_file() {
            return self.reset_unseen(client);
        }
        match fault.course() {
            Course::Half | Course::Silence | Course::Endless => self.note(fault),
            // Without TLS they come to the same.
            Course::Bytes(_) => self.note(Fault::Tls),
            Course::Reset | Course::Instead(_) | Course::Another | Course::Handled(_) => {}
        }
        match fault.course() {
            Course::Reset => self.reset_unseen(client),
            Course::Half => self.hand_on_half(&request, client).await,
            Course::Silence => until_it_hangs_up(client).await,
            Course::Instead(answer) => self.answer_instead(fault, &request, Some(answer), client).await,
            Course::Bytes(bytes) => give(client, bytes).await,
            Course::Endless => give_on_and_on(client).await,
            Course::Another => self.answer_instead(fault, &request, self.another(&request), client).await,
            Course::Handled(after) => self.hand_on(request, client, Some((fault, after))).await,
        }
    }

    /// Begins to speak TLS, if it does. None if it comes to nothing.
    async fn greet(&self, mut client: TcpStream, fault: Option<Fault>) -> io::Result<Option<Client>> {
        let Some(certificates) = &self.certificates else { return Ok(Some(Either::Left(client))) };
        if fault == Some(Fault::Tls) {
            self.note(Fault::Tls);
            client.write_all(&fault::TLS_ALERT).await?;
            return Ok(None);
        }
        if fault == Some(Fault::TlsCut) {
            client.read_u8().await?;
            self.note(Fault::TlsCut);
            reset(Either::Left(client))?;
            return Ok(None);
        }
        let (shown, is_good) = certificates.shown(fault);
        if let Some(fault) = fault.filter(|_| !is_good) {
            self.note(fault);
        }
        let Ok(stream) = shown.accept(client).await else { return Ok(None) };
        self.state().deceived += usize::from(!is_good);
        Ok(Some(Either::Right(Box::new(stream))))
    }

    /// Answers in the place of the server, if nothing gives that away that could.
    async fn answer_instead(
        &self,
        fault: Fault,
        request: &Message,
        answer: Option<Message>,
        client: Client,
    ) -> io::Result<()> {
        let Some(answer) = answer else { return self.reset_unseen(client) };
        // Nobody can tell that from the server's own answer: not even somebody who wants to repeat what was lost.
        if request.wants_no_words() && answer.is_success() && answer.body().is_empty() {
            return self.reset_unseen(client);
        }
        self.note(fault);
        // Kommo goes by the status alone, and so do those who want to know whether the bridge has taken a hook.
        let answer = if self.certificates.is_some() { answer } else { answer.by_another() };
        give(client, &answer.bytes).await
    }

    /// The answer to a request with another path, or none if there was none. Updates do not say which bot they are for,
    /// so nobody can tell another bot's from one's own.
    fn another(&self, request: &Message) -> Option<Message> {
        let state = self.state();
        let is_for_updates = |path: &str| path.to_ascii_lowercase().ends_with("/getupdates");
        let is_other = |path: &str| path != request.path() && !(is_for_updates(path) && is_for_updates(request.path()));
        let other = state.answers.iter().find(|(path, _)| is_other(path));
        other.map(|(_, answer)| answer.clone())
    }

    async fn hand_on_half(&self, request: &Message, client: Client) -> io::Result<()> {
        let Some(remote) = self.state().remote else { return reset(client) };
        let mut upstream = TcpStream::connect(remote).await?;
        upstream.write_all(&request.bytes[..request.bytes.len() / 2]).await?;
        reset(Either::Left(upstream))?;
        reset(client)
    }

    async fn hand_on(&self, request: Message, mut client: Client, after: Option<(Fault, After)>) -> io::Result<()> {
        let Some(remote) = self.state().remote else { return reset(client) };
        let Some(answer) = message::ask(remote, &request.bytes, &mut client).await? else { return Ok(()) };
        let watches = self.state().watches.clone();
        for watch in watches {
            watch(&request, &answer);
        }
        if answer.is_success() && answer.bytes.len() <= LONGEST_KEPT {
            let answers = &mut self.state().answers;
            answers.push_front((request.path().to_owned(), answer.clone()));
            answers.truncate(REMEMBERED);
        }
        if let Some((fault, _)) = after {
            self.note(fault);
        }
        let bytes = &answer.bytes;
        match after.map(|(_, after)| after) {
            None => give(client, bytes).await,
            Some(After::Reset) => reset(client),
            Some(After::Cut) => give(client, &bytes[..bytes.len() - answer.body().len() / 2 - 1]).await,
            Some(After::Silence) => until_it_hangs_up(client).await,
            Some(After::Slow(pause)) => give_slowly(client, bytes, pause).await,
            Some(After::LongLength) => give(client, &with_length(&answer, answer.body().len() + 100)).await,
            Some(After::ShortLength) => give(client, &with_length(&answer, answer.body().len() / 2)).await,
        }
    }
}

/// `answer` with this many bytes by its own account.
fn with_length(answer: &Message, length: usize) -> Vec<u8> {
    let headers = ["content-type: application/json".to_owned(), format!("content-length: {length}")];
    let head = Message::answer(answer.status(), &headers.each_ref().map(String::as_str), "").bytes;
    [&head, answer.body()].concat()
}

async fn give(mut client: Client, bytes: &[u8]) -> io::Result<()> {
    client.write_all(bytes).await?;
    client.shutdown().await
}

async fn give_slowly(mut client: Client, bytes: &[u8], pause: Duration) -> io::Result<()> {
    let piece = bytes.len().div_ceil(20).max(1);
    for piece in bytes.chunks(piece) {
        client.write_all(piece).await?;
        sleep(pause).await;
    }
    client.shutdown().await
}

/// JSON that begins like an answer, and is far longer than any.
async fn give_on_and_on(mut client: Client) -> io::Result<()> {
    let block = vec![b' '; 1 << 16];
    client
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"ok\":true")
        .await?;
    for _ in 0..1 << 10 {
        client.write_all(&block).await?;
    }
    client.shutdown().await
}

async fn until_it_hangs_up(mut client: Client) -> io::Result<()> {
    while client.read(&mut [0; 64]).await? > 0 {}
    Ok(())
}
