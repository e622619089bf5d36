//! Customers who write and managers who answer, whatever happens between them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use telekommo::sandbox::{
    kommo::{FakeKommo, Message},
    stage::{ANNA, BEN, GARDEN, LINES, Line, OLGA, Stage},
    telegram::{ChatMessage, Customer, FakeTelegram, Room},
};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The customers. Each writes to every bot.
const CUSTOMERS: [i64; 3] = [ANNA, BEN, 777_000_444];
/// The pace of people, in milliseconds.
const PACE_MS: std::ops::Range<u64> = 30..150;
/// How often somebody changes what they have just written: every so many messages.
const CHANGED_EVERY: usize = 9;
/// What they add to it.
pub(crate) const CHANGED: &str = ", changed";

/// A conversation: whose bot it is with, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    number: usize,
    line: usize,
    room: Room,
    who: i64,
}

impl Talk {
    /// All of them: private chats with both bots, a group of the first, and an owner's chats that the second looks after.
    pub(crate) fn all() -> Vec<Self> {
        let private =
            (0..LINES.len()).flat_map(|line| CUSTOMERS.map(|who| (line, Room::Private { customer: who }, who)));
        let desk = CUSTOMERS.map(|who| (1, Room::Desk { owner: OLGA, customer: who }, who));
        let places = private.chain([(0, Room::Group { group: GARDEN }, ANNA)]).chain(desk);
        places.enumerate().map(|(number, (line, room, who))| Self { number, line, room, who }).collect()
    }

    pub(crate) const fn number(&self) -> usize {
        self.number
    }

    fn line(&self) -> Line {
        LINES[self.line]
    }

    /// What begins every text of this conversation, and of no other.
    pub(crate) fn tag(&self) -> String {
        format!("talk {}:", self.number)
    }

    /// The conversation's id.
    pub(crate) fn conversation(&self) -> String {
        let source = self.line().source;
        match self.room {
            Room::Private { customer: id } | Room::Group { group: id } => format!("tg:{source}:{id}"),
            Room::Desk { owner, customer } => format!("tg:{source}:{owner}/{customer}"),
        }
    }

    /// What Kommo has of it, oldest first.
    pub(crate) fn in_kommo(&self, kommo: &FakeKommo) -> Vec<Message> {
        kommo.chat(&self.conversation()).map(|chat| chat.messages).unwrap_or_default()
    }

    /// What the bot has written there, oldest first.
    pub(crate) fn sent(&self, telegram: &FakeTelegram) -> Vec<ChatMessage> {
        let messages = telegram.messages_in(self.line().token, self.room).into_iter();
        messages.filter(|message| message.from_bot).collect()
    }

    fn write(&self, telegram: &FakeTelegram, text: &str) -> i64 {
        let message = ChatMessage { text: text.to_owned(), ..ChatMessage::default() };
        match self.room {
            Room::Group { group } => telegram.write_in_group(self.line().token, group, self.who, text),
            room @ (Room::Private { .. } | Room::Desk { .. }) => {
                telegram.say_in(self.line().token, room, self.who, message)
            }
        }
    }
}

/// An answer, as Kommo sent it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Kommo's id.
    pub(crate) id: String,
    pub(crate) text: String,
    /// Whether its hook was answered with 200.
    pub(crate) is_accepted: bool,
}

/// What was said in one conversation, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) written: Vec<String>,
    pub(crate) answers: Vec<Answer>,
}

/// What was said everywhere, by the numbers of the conversations.
pub(crate) type Book = BTreeMap<usize, Said>;

/// Everybody.
pub(crate) struct People {
    book: Arc<Mutex<Book>>,
}

impl People {
    /// Brings everybody on the stage; each says hello.
    pub(crate) fn begin(stage: &Stage) -> Self {
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
        let this = Self { book: Arc::default() };
        for talk in Talk::all() {
            let text = format!("{} hello", talk.tag());
            talk.write(&stage.telegram, &text);
            said(&this.book, |book| book.entry(talk.number).or_default().written.push(text));
        }
        this
    }

    /// Lets everybody talk until `stop`.
    pub(crate) fn talk(&self, stage: &Stage, seed: u64, stop: &CancellationToken) -> TaskTracker {
        let people = TaskTracker::new();
        for talk in Talk::all() {
            let mut chance = fastrand::Rng::with_seed(seed ^ u64::try_from(talk.number).unwrap_or_default());
            let mut pace = || Duration::from_millis(chance.u64(PACE_MS));
            let (writes, answers) = (pace(), pace());
            people.spawn(write(stage.telegram.clone(), talk, Arc::clone(&self.book), writes, stop.clone()));
            people.spawn(answer(stage.kommo.clone(), talk, Arc::clone(&self.book), answers, stop.clone()));
        }
        people.close();
        people
    }

    /// What was said so far.
    pub(crate) fn book(&self) -> Book {
        said(&self.book, |book| book.clone())
    }
}

fn said<R>(book: &Mutex<Book>, act: impl FnOnce(&mut Book) -> R) -> R {
    act(&mut book.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Nobody catches up on what a slow machine kept them from saying.
fn pace(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A customer writes and writes, and changes some of it.
async fn write(telegram: FakeTelegram, talk: Talk, book: Arc<Mutex<Book>>, every: Duration, stop: CancellationToken) {
    let mut ticks = pace(every);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        said(&book, |book| {
            let said = book.entry(talk.number).or_default();
            let mut text = format!("{} message {}", talk.tag(), said.written.len());
            let id = talk.write(&telegram, &text);
            if said.written.len() % CHANGED_EVERY == 0 {
                text.push_str(CHANGED);
                talk.edit(&telegram, id, &text);
            }
            said.written.push(text);
        });
    }
}

impl Talk {
    fn edit(&self, telegram: &FakeTelegram, id: i64, text: &str) {
        telegram.edit_in(self.line().token, self.room, id, text);
    }
}

/// A manager answers and answers. A hook that is under way is waited for: Kommo does not take one back.
async fn answer(kommo: FakeKommo, talk: Talk, book: Arc<Mutex<Book>>, every: Duration, stop: CancellationToken) {
    let mut ticks = pace(every);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if talk.in_kommo(&kommo).is_empty() {
            continue;
        }
        let number = said(&book, |book| book.entry(talk.number).or_default().answers.len());
        let text = format!("{} answer {number}", talk.tag());
        let (id, hook) = kommo.reply(&talk.conversation(), "Maria", &text).await;
        let answer = Answer { id, text, is_accepted: hook.status == Some(200) };
        said(&book, |book| book.entry(talk.number).or_default().answers.push(answer));
    }
}

/// What was said in a conversation.
pub(crate) fn of<'b>(book: &'b Book, talk: &Talk) -> &'b Said {
    &book[&talk.number]
}
