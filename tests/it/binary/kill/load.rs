//! Customers who write and managers who answer, whether or not the bridge lives.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use telekommo::sandbox::{
    harness::{ANNA, BEN, Harness, LINES, Line},
    kommo::{FakeKommo, Message, Status},
    telegram::{ChatMessage, Customer, FakeTelegram},
};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The customers; each writes to every bot.
const CUSTOMERS: [i64; 4] = [ANNA, BEN, 777_000_333, 777_000_444];
/// The pace at which customers write and managers answer, in milliseconds.
const PACE_MS: std::ops::Range<u64> = 15..60;

/// A customer in a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    line: usize,
    customer: i64,
}

impl Place {
    fn all() -> impl Iterator<Item = Self> {
        (0..LINES.len()).flat_map(|line| CUSTOMERS.map(|customer| Self { line, customer }))
    }

    fn line(self) -> Line {
        LINES[self.line]
    }

    /// The conversation's id.
    pub(crate) fn conversation(self) -> String {
        format!("tg:{}:{}", self.line().source, self.customer)
    }

    /// What Kommo has of it, oldest first.
    pub(crate) fn messages(self, kommo: &FakeKommo) -> Vec<Message> {
        kommo.chat(&self.conversation()).map(|chat| chat.messages).unwrap_or_default()
    }

    /// What the bot has written there, oldest first.
    pub(crate) fn sent(self, telegram: &FakeTelegram) -> Vec<ChatMessage> {
        let messages = telegram.messages(self.line().token, self.customer).into_iter();
        messages.filter(|message| message.from_bot).collect()
    }

    /// What that says.
    pub(crate) fn answers(self, telegram: &FakeTelegram) -> Vec<String> {
        self.sent(telegram).into_iter().map(|message| message.text).collect()
    }

    /// The customer writes, in a topic or outside of all.
    pub(crate) fn write(self, telegram: &FakeTelegram, topic: Option<i64>, text: &str) {
        let token = self.line().token;
        match topic {
            Some(topic) => telegram.write_in_own_topic(token, self.customer, topic, text),
            None => telegram.write(token, self.customer, text),
        };
    }

    /// The customer writes for the first time. With the second bot they talk in topics.
    fn begin(self, telegram: &FakeTelegram) -> Said {
        let mut said = Said { written: vec!["hello".to_owned()], ..Said::default() };
        self.write(telegram, None, "hello");
        for name in ["one", "two"].into_iter().filter(|_| self.line > 0) {
            said.topics.push(telegram.open_topic(self.line().token, self.customer, self.customer, name));
            said.written.push(format!("[topic created] {name}"));
        }
        said
    }
}

/// What was said in one conversation, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// The customer's texts.
    pub(crate) written: Vec<String>,
    /// The managers' answers: Kommo's id, the text, and whether the hook was answered with 200.
    pub(crate) answered: Vec<(String, String, bool)>,
    /// The topics in which the customer writes in turn; none for a chat without topics.
    pub(crate) topics: Vec<i64>,
}

impl Said {
    /// The answers that the bridge has taken.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = (&str, &str)> {
        self.answered.iter().filter(|(.., accepted)| *accepted).map(|(id, text, _)| (id.as_str(), text.as_str()))
    }
}

type Book = Arc<Mutex<BTreeMap<Place, Said>>>;

/// The load while it lasts.
pub(crate) struct Load {
    book: Book,
    stop: CancellationToken,
    people: TaskTracker,
}

/// Everything that was said.
pub(crate) struct Done(BTreeMap<Place, Said>);

/// How far the bridge had come at some moment.
#[derive(Debug)]
pub(crate) struct Log {
    /// Updates that Telegram still holds.
    pub(crate) unconfirmed: usize,
    /// Messages that Telegram has forgotten and Kommo does not have.
    pub(crate) inbound: usize,
    /// Answers that were taken and are not reported as delivered.
    pub(crate) outbound: usize,
    /// How many messages the bot has written, by conversation.
    pub(crate) from_bot: BTreeMap<Place, usize>,
}

impl Log {
    /// Whether nothing is under way.
    pub(crate) const fn is_drained(&self) -> bool {
        self.left() == 0
    }

    /// How much is under way.
    pub(crate) const fn left(&self) -> usize {
        self.unconfirmed + self.inbound + self.outbound
    }
}

impl Load {
    /// Lets everybody begin: each customer says hello.
    pub(crate) fn begin(stage: &Harness) -> Self {
        let this = Self { book: Book::default(), stop: CancellationToken::new(), people: TaskTracker::new() };
        for customer in CUSTOMERS {
            stage.telegram.add_customer(Customer {
                id: customer,
                first_name: format!("Customer {customer}"),
                last_name: None,
                username: None,
                language_code: None,
            });
        }
        said(&this.book, |said| said.extend(Place::all().map(|place| (place, place.begin(&stage.telegram)))));
        this
    }

    /// Whether Kommo has heard of everybody.
    pub(crate) fn has_begun(stage: &Harness) -> bool {
        Place::all().all(|place| !place.messages(&stage.kommo).is_empty())
    }

    /// Lets everybody talk.
    pub(crate) fn talk(&self, stage: &Harness, seed: u64) {
        for (number, place) in (1..).zip(Place::all()) {
            let mut chance = fastrand::Rng::with_seed(seed ^ number);
            let mut pace = || Duration::from_millis(chance.u64(PACE_MS));
            let (customer, manager) = (pace(), pace());
            let writing = write(stage.telegram.clone(), place, Arc::clone(&self.book), customer);
            let answering = answer(stage.kommo.clone(), place, Arc::clone(&self.book), manager, self.stop.clone());
            self.people.spawn(self.stop.clone().run_until_cancelled_owned(writing));
            self.people.spawn(answering);
        }
    }

    /// How far the bridge has come with what was said so far.
    pub(crate) fn look(&self, stage: &Harness) -> Log {
        Done(said(&self.book, |book| book.clone())).look(stage)
    }

    /// Lets everybody finish their sentences.
    pub(crate) async fn stop(self) -> Done {
        self.stop.cancel();
        self.people.close();
        self.people.wait().await;
        Done(said(&self.book, std::mem::take))
    }
}

fn said<R>(book: &Book, act: impl FnOnce(&mut BTreeMap<Place, Said>) -> R) -> R {
    act(&mut book.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Nobody catches up on what a slow machine kept them from saying.
fn pace(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A customer writes and writes.
async fn write(telegram: FakeTelegram, place: Place, book: Book, every: Duration) {
    let mut ticks = pace(every);
    for number in 1.. {
        ticks.tick().await;
        let text = format!("{place:?} writes {number}");
        said(&book, |said| {
            let said = said.entry(place).or_default();
            place.write(&telegram, said.topics.get(number % said.topics.len().max(1)).copied(), &text);
            said.written.push(text);
        });
    }
}

/// A manager answers and answers, from the first message on. A hook that is under way is waited for: Kommo does not
/// take one back.
async fn answer(kommo: FakeKommo, place: Place, book: Book, every: Duration, stop: CancellationToken) {
    let mut ticks = pace(every);
    let mut number = 0;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if place.messages(&kommo).is_empty() {
            continue;
        }
        number += 1;
        let text = format!("{place:?} is answered {number}");
        let (id, answer) = kommo.reply(&place.conversation(), "Maria", &text).await;
        said(&book, |said| said.entry(place).or_default().answered.push((id, text, answer.status == Some(200))));
    }
}

impl Done {
    /// How far the bridge has come.
    pub(crate) fn look(&self, stage: &Harness) -> Log {
        let pending = LINES.iter().map(|line| stage.telegram.pending(line.token)).sum();
        let (mut arrived, mut outbound, mut from_bot) = (0, 0, BTreeMap::new());
        for (place, said) in &self.0 {
            let messages = place.messages(&stage.kommo);
            arrived += messages.iter().filter(|message| message.client_msgid.is_some()).count();
            let delivered = messages.iter().filter(|it| matches!(it.status, Status::Delivered | Status::Read));
            let delivered: BTreeSet<_> = delivered.map(|message| message.id.as_str()).collect();
            outbound += said.accepted().filter(|(id, _)| !delivered.contains(id)).count();
            from_bot.insert(*place, place.answers(&stage.telegram).len());
        }
        Log { unconfirmed: pending, inbound: self.written().saturating_sub(pending + arrived), outbound, from_bot }
    }

    /// What was said where.
    pub(crate) fn by_place(&self) -> impl Iterator<Item = (Place, &Said)> {
        self.0.iter().map(|(place, said)| (*place, said))
    }

    /// How many messages customers have written.
    pub(crate) fn written(&self) -> usize {
        self.0.values().map(|said| said.written.len()).sum()
    }

    /// How many answers the bridge has taken.
    pub(crate) fn accepted(&self) -> usize {
        self.0.values().map(|said| said.accepted().count()).sum()
    }
}
