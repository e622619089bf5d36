//! The run: the bridge, everybody around it, and what happens to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustix::{io::Errno, process::Signal};
use telekommo::sandbox::{
    fault::Fault,
    harness::{Harness, LINES},
    kommo::Rate,
    telegram::Target,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    bridge::{Bridge, Control},
    checks::{self, Before, Leaks, Opened, Played, Seen, Verdict},
    import::Import,
    people::{
        Item, People,
        programs::{self, Programs},
    },
    pki::Authority,
    plan::{End, Phase, Round, Trouble, WAYS},
    proxy::{Certificates, Proxy},
};

mod drain;
mod given;
mod handling;
mod judging;
mod reload;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long systemd would wait before it starts a bridge again that has ended by itself.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A bridge that does not spend the run waiting. What fails by itself is tried once more when nothing goes wrong any
/// more.
const SETTINGS: &str = r#"
retry.kommo = ["50ms", "100ms", "400ms", "2s", "11s"]
retry.telegram = ["50ms", "100ms", "400ms", "2s", "11s"]
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
telegram.ask_phone = "on_start"
telegram.phone_wait = "3s"
kommo.access_token = "{access_token}"
store.reserve_mb = 1
store.dump_every = "3s"
"#;

/// The run as a whole.
pub(crate) struct Run {
    stage: Harness,
    pub(crate) bridge: Bridge,
    people: People,
    import: Arc<Import>,
    opened: Opened,
    leaks: Leaks,
    pub(crate) ways: [Proxy; WAYS],
    chance: fastrand::Rng,
    kills: Vec<Seen>,
    is_backed_up: bool,
    has_backup: bool,
    older_stores: Vec<BTreeSet<Item>>,
    played: Played,
    before: Before,
    pub(crate) happened: BTreeMap<String, usize>,
    pub(crate) slowest: Duration,
}

impl Run {
    /// Brings everybody on the stage, and starts the bridge.
    pub(crate) async fn begin(shim: &Path, tasks: &TaskTracker) -> Self {
        let authority = Authority::new();
        let certificates = || Some(Certificates::by(&authority));
        let ways = [
            Proxy::start(certificates(), tasks).await.unwrap(),
            Proxy::start(certificates(), tasks).await.unwrap(),
            Proxy::start(None, tasks).await.unwrap(),
            Proxy::start(certificates(), tasks).await.unwrap(),
        ];
        let [telegram, kommo, hooks, account] = &ways;
        let (gateway_settings, gateway) = programs::settings();
        let settings = format!(
            "telegram.api_url = {:?}\nkommo.chats_url = {:?}\nserver.public_url = {:?}\nkommo.account_url = {:?}\n\
             kommo.contact_tags = [{:?}]\n{gateway_settings}{SETTINGS}",
            telegram.url(),
            kommo.url(),
            hooks.url(),
            account.url(),
            checks::CONTACT_TAG,
        );
        let stage = Harness::without_bridge(&settings).unwrap();
        telegram.lead_to(stage.telegram.address());
        kommo.lead_to(stage.kommo.address());
        account.lead_to(stage.kommo.account_address());
        // The bridge keeps to Kommo's rate by itself, which is not what is tried here.
        stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
        stage.telegram.add_bot(reload::spare());
        stage.kommo.make_cards_after(2);
        stage.hooks_go_to(hooks.address());
        stage.kommo.keep_files_behind(&kommo.url());
        let bridge = Bridge::new(&stage, shim.to_owned(), &authority);
        let import = Arc::new(bridge.import());
        let people = People::begin(&stage, Arc::clone(&import), &gateway);
        let taken = people.taken();
        hooks.show(Arc::new(move |request, answer| taken.note(request, answer)));
        let leaks = Leaks::default();
        telegram.show(leaks.to_telegram(&stage));
        telegram.show(people.programs.watch());
        kommo.show(leaks.to_kommo(&stage));
        hooks.show(leaks.of_bridge(&stage));
        account.show(leaks.to_account(&stage));
        let (kills, happened, slowest) = (Vec::new(), BTreeMap::new(), Duration::ZERO);
        let (chance, opened) = (fastrand::Rng::with_seed(0), Opened::default());
        let mut this = Self {
            stage,
            bridge,
            people,
            import,
            opened,
            leaks,
            ways,
            chance,
            kills,
            is_backed_up: false,
            has_backup: false,
            older_stores: Vec::new(),
            played: Played::default(),
            before: Before::default(),
            happened,
            slowest,
        };
        this.start().await;
        this
    }

    fn note(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.played.names.insert(what.clone());
        *self.happened.entry(what).or_default() += 1;
    }

    fn is_at(&mut self, hooks: Option<SocketAddr>) {
        if let Some(hooks) = hooks {
            self.ways[2].lead_to(hooks);
        }
    }

    async fn start(&mut self) {
        self.people.tell_programs(Programs::starts);
        let hooks = self.bridge.start().await;
        self.is_at(hooks);
    }

    /// Looks after the bridge as systemd does, for a while: when it has ended by itself, it is started again.
    async fn tend(&mut self, how_long: Duration) {
        let until = Instant::now() + how_long;
        while self.bridge.has_ended_by(until).await {
            self.played.has_ended = true;
            sleep(AGAIN_AFTER).await;
            // Like a kill, this comes between what a remote has taken and its being noted.
            self.note_kill().await;
            self.start().await;
        }
    }

    /// A request that was under way may still have landed meanwhile.
    async fn note_kill(&mut self) {
        self.ways[0].until_idle().await;
        let seen = checks::seen(&self.stage);
        if self.kills.last() != Some(&seen) {
            self.kills.push(seen);
        }
    }

    /// Plays a phase: while everybody talks, everything goes wrong; then everything works, and all of it has to arrive.
    pub(crate) async fn phase(&mut self, phase: &Phase) -> Verdict {
        let seed = phase.seed;
        self.chance = fastrand::Rng::with_seed(seed);
        (1..).zip(&self.ways).for_each(|(number, way)| way.follow(seed ^ number));
        self.handle(phase.files).await;
        (self.is_backed_up, self.has_backup) = (false, false);
        let stop = CancellationToken::new();
        let talking = self.people.talk(&self.stage, seed, &stop);
        for round in &phase.rounds {
            self.play(round).await;
            self.heal();
            sleep(LOOK_EVERY).await;
        }
        stop.cancel();
        self.people.programs.set_rough(false);
        self.hear_out(talking).await;
        self.drain().await;
        self.people.last_words(&self.stage, seed).await;
        self.drain().await;
        self.opened.open(&self.stage).await;
        let mut verdict = self.judge().await;
        verdict.problems.extend(self.unserved().await);
        (self.played, self.before) =
            (Played::default(), self.people.read(&self.stage.telegram, |book| Before::now(&self.stage, book)));
        verdict
    }

    /// Lets everybody finish. An import waits for the bridge, so a bridge that has ended by itself is started again
    /// meanwhile.
    async fn hear_out(&mut self, mut talking: JoinSet<()>) {
        while !talking.is_empty() {
            self.tend(LOOK_EVERY).await;
            while let Some(ended) = talking.try_join_next() {
                ended.unwrap();
            }
        }
    }

    /// Plays a phase in which nothing goes wrong, and nothing may fail.
    pub(crate) async fn calm(&mut self, phase: &Phase) -> Verdict {
        let before = self.people.read(&self.stage.telegram, checks::count);
        let mut verdict = self.phase(phase).await;
        let undelivered =
            self.people.read(&self.stage.telegram, |book| checks::undelivered(&self.stage, &before, book));
        verdict
            .problems
            .extend(undelivered.into_iter().map(|what| format!("not delivered though all was well: {what}")));
        verdict
    }

    /// The bridge is stopped, as it should be.
    pub(crate) async fn finish(&mut self) {
        assert_eq!(self.bridge.end(Signal::TERM).await.and_then(|status| status.code()), Some(0));
        assert!(self.bridge.bad_ends.is_empty(), "{:?}", self.bridge.bad_ends);
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
            Trouble::Revoked => self.stage.telegram.fault(Target::bot(LINES[0].token), unauthorized(), u32::MAX),
            Trouble::Asleep(minutes) => self.fall_asleep(round.lasts(), minutes).await,
        }
        let given = self.give(round);
        self.tend(round.lasts()).await;
        self.judge_given(given).await;
        self.end(round.end).await;
    }

    /// Everybody else's time goes on while the machine sleeps.
    async fn fall_asleep(&mut self, real: Duration, minutes: u16) {
        let by_the_clock = Duration::from_mins(minutes.into());
        self.stage.telegram.clock().advance(by_the_clock);
        self.stage.kommo.clock().advance(by_the_clock);
        self.bridge.sleep(real, by_the_clock).await;
    }

    /// Another program asks for a bot's updates, and confirms none.
    async fn poll_too(&self) {
        let url = format!("{}/bot{}/getUpdates?timeout=0", self.stage.telegram.url(), LINES[0].token);
        reqwest::get(url).await.unwrap();
    }

    async fn end(&mut self, end: End) {
        let Some(name) = end.name() else { return };
        self.note(name);
        self.played.has_ended = true;
        match end {
            End::RunsOn => {}
            End::Stop => {
                self.bridge.end(Signal::TERM).await;
                self.back_up();
            }
            End::Kill => {
                self.bridge.end(Signal::KILL).await;
                self.back_up();
                self.note_kill().await;
            }
            End::PowerCut(cut) => {
                let _off = self.import.power_off().await;
                self.bridge.cut(cut, &mut self.chance).await;
                self.note_kill().await;
            }
        }
        self.start().await;
    }

    /// Copies its files as they are in the middle of everything, once in a phase.
    fn back_up(&mut self) {
        if !std::mem::replace(&mut self.is_backed_up, true) {
            self.bridge.back_up();
        }
    }

    /// Everything works again.
    fn heal(&mut self) {
        self.ways.iter().for_each(|way| way.set(None));
        self.bridge.control(Control::default());
        self.stage.kommo.set_connected(true);
        self.stage.telegram.heal();
    }

    /// The newest lines of its log that name trouble.
    pub(crate) fn trouble(&mut self) -> String {
        self.bridge.troubles()
    }
}

fn unauthorized() -> Fault {
    Fault::Status { code: 401, body: r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#.to_owned() }
}

fn disk_error(error: Errno) -> Control {
    Control { disk_error: error.raw_os_error(), ..Control::default() }
}
