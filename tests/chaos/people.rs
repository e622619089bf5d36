//! Customers who write and managers who answer, whatever happens between them.
//!
//! # How somebody joins
//!
//! An actor is a function of a [`Part`]: in one conversation it does something, again and again, while [`Part::turn`]
//! says so. What has to come of it, it notes in the book in the very moment in which it does it ([`book::Open::note`]);
//! a manager speaks within [`Part::desk`], since hooks that are sent at once have no order. Its line in [`ACTORS`] lets
//! it play in every conversation. What may be let go while the ways are bad, it does once more in [`LAST_WORDS`], when
//! everything works. Somebody who belongs into none of the conversations is a function of a [`Visit`], with a line in
//! [`VISITORS`].

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use telekommo::sandbox::{
    harness::{ANNA, BEN, Harness, LINES},
    kommo::FakeKommo,
    telegram::{Customer, FakeTelegram, GroupKind, NewGroup},
};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::JoinSet,
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::import::Import;

pub(crate) use book::{Answer, Book, Item, Reaction, Said, Written, of, words};
pub(crate) use buttons::is_press;
pub(crate) use history::{History, Past};
pub(crate) use newcomers::Newcomer;
pub(crate) use taken::Taken;
pub(crate) use talk::Talk;
pub(crate) use texts::CHANGED;

mod book;
mod buttons;
mod files;
mod history;
mod newcomers;
pub(crate) mod programs;
mod reactions;
pub(crate) mod samples;
mod taken;
mod talk;
mod templates;
mod texts;

/// The customers. Each writes to every bot, and to an owner.
const CUSTOMERS: [i64; 3] = [ANNA, BEN, 777_000_444];
/// A group with the second bot in it.
const TERRACE: i64 = -1_001_000_000_043;

type Actor = fn(Part) -> BoxFuture<'static, ()>;
type Visitor = fn(Visit) -> BoxFuture<'static, ()>;

/// Who plays in every conversation.
const ACTORS: [Actor; 9] = [
    |part| Box::pin(texts::write(part)),
    |part| Box::pin(texts::answer(part)),
    |part| Box::pin(files::send(part)),
    |part| Box::pin(files::attach(part)),
    |part| Box::pin(buttons::offer(part)),
    |part| Box::pin(buttons::press(part)),
    |part| Box::pin(reactions::customer(part)),
    |part| Box::pin(reactions::manager(part)),
    |part| Box::pin(templates::send(part)),
];
/// Who comes from elsewhere.
const VISITORS: [Visitor; 2] = [|visit| Box::pin(newcomers::come(visit)), |visit| Box::pin(history::import(visit))];
/// What they do once more, when everything works again.
const LAST_WORDS: [Actor; 2] =
    [|part| Box::pin(reactions::customers_last(part)), |part| Box::pin(reactions::managers_last(part))];

/// What somebody needs to act in a conversation.
pub(crate) struct Part {
    telegram: FakeTelegram,
    kommo: FakeKommo,
    talk: Talk,
    book: Arc<book::Open>,
    desks: Arc<Vec<Mutex<()>>>,
    chance: fastrand::Rng,
    stop: CancellationToken,
}

/// What somebody needs to act outside of the conversations.
pub(crate) struct Visit {
    telegram: FakeTelegram,
    kommo: FakeKommo,
    import: Arc<Import>,
    book: Arc<book::Open>,
    chance: fastrand::Rng,
    stop: CancellationToken,
}

/// A pace of one's own. Nobody catches up on what a slow machine kept them from doing.
fn pace(chance: &mut fastrand::Rng, millis: std::ops::Range<u64>) -> Interval {
    let mut ticks = interval(Duration::from_millis(chance.u64(millis)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits for the next turn; false once nobody is to go on.
async fn turn(stop: &CancellationToken, ticks: &mut Interval) -> bool {
    stop.run_until_cancelled(ticks.tick()).await.is_some()
}

impl Part {
    fn pace(&mut self, millis: std::ops::Range<u64>) -> Interval {
        pace(&mut self.chance, millis)
    }

    async fn turn(&self, ticks: &mut Interval) -> bool {
        turn(&self.stop, ticks).await
    }

    /// Waits until no other manager speaks in the conversation.
    async fn desk(&self) -> MutexGuard<'_, ()> {
        self.desks[self.talk.number()].lock().await
    }

    fn note<R>(&self, act: impl FnOnce(&mut Said) -> R) -> R {
        self.book.note(&self.talk, act)
    }
}

/// Everybody.
pub(crate) struct People {
    book: Arc<book::Open>,
    desks: Arc<Vec<Mutex<()>>>,
    taken: Arc<Taken>,
    import: Arc<Import>,
    pub(crate) programs: programs::Running,
}

impl People {
    /// Brings everybody on the stage; each says hello.
    pub(crate) fn begin(stage: &Harness, import: Arc<Import>, gateway: &str) -> Self {
        stage.furnish();
        for id in CUSTOMERS {
            stage.telegram.add_customer(Customer {
                id,
                first_name: format!("Customer {id}"),
                last_name: None,
                username: None,
                language_code: None,
            });
        }
        let (title, members) = ("Terrace".to_owned(), CUSTOMERS.to_vec());
        stage.telegram.set_reads_all(LINES[1].token, true);
        stage.telegram.add_group(LINES[1].token, NewGroup { id: TERRACE, kind: GroupKind::Supergroup, title, members });
        let desks = Arc::new(Talk::all().iter().map(|_| Mutex::default()).collect());
        let book = Arc::default();
        let programs = programs::Running::begin(gateway, &book);
        let this = Self { book, taken: Arc::default(), desks, import, programs };
        for talk in Talk::all() {
            this.book.note(&talk, |said| texts::begin(&stage.telegram, &talk, said));
        }
        this
    }

    /// Lets everybody talk until `stop`.
    pub(crate) fn talk(&self, stage: &Harness, seed: u64, stop: &CancellationToken) -> JoinSet<()> {
        self.programs.set_rough(true);
        let (mut tasks, mut chance) = (self.play(&ACTORS, stage, seed, stop), fastrand::Rng::with_seed(!seed));
        for visitor in VISITORS {
            tasks.spawn(visitor(Visit {
                telegram: stage.telegram.clone(),
                kommo: stage.kommo.clone(),
                import: Arc::clone(&self.import),
                book: Arc::clone(&self.book),
                chance: chance.fork(),
                stop: stop.clone(),
            }));
        }
        tasks
    }

    /// Lets everybody say what has to arrive. Everything works.
    pub(crate) async fn last_words(&self, stage: &Harness, seed: u64) {
        self.play(&LAST_WORDS, stage, seed, &CancellationToken::new()).join_all().await;
    }

    fn play(&self, actors: &[Actor], stage: &Harness, seed: u64, stop: &CancellationToken) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for talk in Talk::all() {
            let mut chance = fastrand::Rng::with_seed(seed ^ u64::try_from(talk.number()).unwrap_or_default());
            for actor in actors {
                tasks.spawn(actor(Part {
                    telegram: stage.telegram.clone(),
                    kommo: stage.kommo.clone(),
                    talk,
                    book: Arc::clone(&self.book),
                    desks: Arc::clone(&self.desks),
                    chance: chance.fork(),
                    stop: stop.clone(),
                }));
            }
        }
        tasks
    }

    /// The bridge's store has become an older one.
    pub(crate) fn store_is_older(&self) {
        self.book.with(|book| {
            book.said.values_mut().for_each(|said| said.before = said.answers.len());
            book.programs.store_is_older();
        });
    }

    /// What programs have to know of the bridge.
    pub(crate) fn tell_programs(&self, tell: impl FnOnce(&mut programs::Programs)) {
        self.book.with(|book| tell(&mut book.programs));
    }

    /// What the bridge has taken.
    pub(crate) fn taken(&self) -> Arc<Taken> {
        Arc::clone(&self.taken)
    }

    /// Reads what was said so far, and what is known of it. Nobody says anything meanwhile.
    pub(crate) fn read<R>(&self, telegram: &FakeTelegram, read: impl FnOnce(&Book) -> R) -> R {
        // Telegram keeps a press for 150 seconds.
        let forgotten: Vec<_> = LINES.iter().flat_map(|line| telegram.expired(line.token)).collect();
        let presses = forgotten.iter().filter_map(|update| update["callback_query"]["data"].as_str());
        let labels: BTreeSet<_> = presses.filter_map(|data| data.splitn(3, ':').nth(2)).collect();
        self.book.with(|book| {
            for said in book.said.values_mut() {
                let is_forgotten = |it: &&mut Written| labels.contains(it.shows.words.as_str());
                said.written.iter_mut().filter(is_forgotten).for_each(|it| it.is_forgotten = true);
                said.answers.iter_mut().for_each(|answer| answer.is_accepted = self.taken.has(&answer.id));
            }
            read(book)
        })
    }
}
