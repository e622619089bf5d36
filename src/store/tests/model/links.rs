//! What is learnt beside the queue, held against maps: ids of messages both ways, chats, moves, numbers, and what
//! expires.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    domain::{
        address::{MessageId, UserId},
        delivery::UnreadAnswer,
    },
    store::ManagerInitiated,
};

/// How many there are of each: messages on either side, conversations, chats that managers begin, customers and
/// numbers.
const FEW: u8 = 4;

#[derive(Clone, Debug)]
enum Act {
    Learn { links: Vec<(u8, u8)>, also: Option<Other> },
    Share { customer: u8, phone: u8, minutes_ago: u8 },
    Pass { minutes: u8 },
    Sweep,
    Reopen,
}

/// A change that is no link.
#[derive(Clone, Debug)]
enum Other {
    Chat { of: u8, chat: u8 },
    ManagerInitiatedChat { of: u8, chat: u8 },
    Answered { of: u8, chat: u8 },
    Move { from: u8, to: u8 },
    Topic { of: u8, topic: Option<i64> },
    Unread { of: u8, answers: Vec<u8> },
    Read { of: u8, answers: Vec<u8> },
}

fn act() -> impl Strategy<Value = Act> {
    let (one, other) = (0..FEW, 0..FEW);
    let two = (one.clone(), other);
    let answers = (one.clone(), vec(0..FEW, 1..3));
    let also = prop_oneof![
        two.clone().prop_map(|(of, chat)| Other::Chat { of, chat }),
        two.clone().prop_map(|(of, chat)| Other::ManagerInitiatedChat { of, chat }),
        two.clone().prop_map(|(of, chat)| Other::Answered { of, chat }),
        two.clone().prop_filter_map("a group becomes a newer one", |(from, to)| {
            (from < to).then_some(Other::Move { from, to })
        }),
        (one, option::of(1..3_i64)).prop_map(|(of, topic)| Other::Topic { of, topic }),
        answers.clone().prop_map(|(of, answers)| Other::Unread { of, answers }),
        answers.prop_map(|(of, answers)| Other::Read { of, answers }),
    ];
    prop_oneof![
        8 => (vec(two.clone(), 0..3), option::of(also)).prop_map(|(links, also)| Act::Learn { links, also }),
        2 => (two, 0..40_u8).prop_map(|((customer, phone), minutes_ago)| Act::Share { customer, phone, minutes_ago }),
        3 => (0..40_u8).prop_map(|minutes| Act::Pass { minutes }),
        2 => Just(Act::Sweep),
        1 => Just(Act::Reopen),
    ]
}

fn ours(number: u8) -> MessageId {
    MessageId { bot: BOT, chat: 5.into(), message: number.into(), update: None }
}

fn kommo(number: u8) -> KommoMessageId {
    KommoMessageId(format!("kommo {number}"))
}

/// The conversation of a group.
fn group(number: u8) -> Conversation {
    Conversation::new(SourceId::parse("sales").unwrap(), id(number))
}

fn id(number: u8) -> i64 {
    -100 - i64::from(number)
}

fn chat(number: u8) -> Chat {
    Chat { chat: KommoChatId(format!("chat {number}")), user: None }
}

fn unread(number: u8) -> UnreadAnswer {
    UnreadAnswer { message: kommo(number), ours: ours(number), topic: None }
}

fn number_of(customer: u8) -> UserId {
    UserId(customer.into())
}

fn phone(number: u8) -> String {
    format!("4915177000{number:03}")
}

/// What is remembered.
#[derive(Clone, Debug, Default)]
struct Model {
    to_kommo: BTreeMap<u8, u8>,
    to_ours: BTreeMap<u8, Vec<u8>>,
    /// When the links of a message of ours are over, by the first of them; and when a way back is that has lost its way
    /// there.
    link_until: BTreeSet<(UnixMillis, u8)>,
    way_back_until: BTreeSet<(UnixMillis, u8)>,
    chats: BTreeMap<u8, (u8, UnixMillis)>,
    openings: BTreeMap<u8, (u8, UnixMillis)>,
    opened: BTreeMap<u8, u8>,
    moved_to: BTreeMap<u8, u8>,
    moved_from: BTreeMap<u8, u8>,
    topics: BTreeMap<u8, i64>,
    unread: BTreeMap<u8, Vec<u8>>,
    /// By customer: the number, and when it was shared.
    numbers: BTreeMap<u8, (u8, UnixMillis)>,
}

impl Model {
    fn link(&mut self, ours: u8, kommo: u8, until: UnixMillis) {
        let back = self.to_ours.entry(kommo).or_default();
        if !back.contains(&ours) {
            back.push(ours);
        }
        self.link_until.insert((until, ours));
        if let Some(former) = self.to_kommo.insert(ours, kommo).filter(|former| *former != kommo) {
            self.way_back_until.insert((until, former));
        }
    }

    fn learn(&mut self, other: &Other, now: UnixMillis) {
        match other {
            Other::Chat { of, chat } => drop(self.chats.insert(*of, (*chat, now))),
            Other::ManagerInitiatedChat { of, chat } => {
                self.openings.insert(*of, (*chat, now));
                self.opened.insert(*chat, *of);
            }
            Other::Answered { of, chat } => {
                if self.openings.get(of).is_some_and(|(begun, _)| begun == chat) {
                    self.openings.remove(of);
                }
            }
            Other::Move { from, to } => {
                let first = self.moved_from.get(from).copied().unwrap_or(*from);
                if !self.chats.contains_key(to) {
                    self.moved_to.insert(first, *to);
                    self.moved_from.insert(*to, first);
                }
            }
            Other::Topic { of, topic: Some(topic) } => drop(self.topics.insert(*of, *topic)),
            Other::Topic { of, topic: None } => drop(self.topics.remove(of)),
            Other::Unread { of, answers } => self.unread.entry(*of).or_default().extend(answers),
            Other::Read { of, answers } => {
                self.unread.entry(*of).or_default().retain(|answer| !answers.contains(answer));
            }
        }
    }

    fn share(&mut self, customer: u8, phone: u8, at: UnixMillis) {
        let concerns = |(of, (number, _)): &(&u8, &(u8, UnixMillis))| **of == customer || *number == phone;
        if self.numbers.iter().filter(concerns).all(|(_, (_, shared_at))| *shared_at < at) {
            self.numbers.retain(|of, (number, _)| *of != customer && *number != phone);
            self.numbers.insert(customer, (phone, at));
        }
    }

    fn sweep(&mut self, now: UnixMillis) {
        let later_ways = self.way_back_until.split_off(&(now, 0));
        for (_, kommo) in std::mem::replace(&mut self.way_back_until, later_ways) {
            self.to_ours.remove(&kommo);
        }
        let later = self.link_until.split_off(&(now, 0));
        for (_, ours) in std::mem::replace(&mut self.link_until, later) {
            if let Some(kommo) = self.to_kommo.remove(&ours) {
                self.to_ours.remove(&kommo);
            }
        }
    }

    /// The conversations that Kommo knows, with the chats of each.
    fn known_chats(&self) -> BTreeSet<(u8, u8)> {
        let own = self.chats.iter().map(|(of, (chat, _))| (*of, *chat));
        own.chain(self.opened.iter().map(|(chat, of)| (*of, *chat))).collect()
    }
}

struct Pair {
    home: Home,
    store: Store,
    model: Model,
    now: UnixMillis,
}

impl Pair {
    async fn act(&mut self, act: Act) {
        match act {
            Act::Learn { links, also } => self.learn(&links, also).await,
            Act::Share { customer, phone: number, minutes_ago } => {
                let shared_at = self.now.minus(MINUTE * minutes_ago.into());
                self.model.share(customer, number, shared_at);
                let number = OwnNumber { customer: number_of(customer), phone: phone(number), shared_at };
                self.store.remember_number(number).await.unwrap();
            }
            Act::Pass { minutes } => self.now = self.now.plus(MINUTE * minutes.into()),
            Act::Sweep => {
                self.model.sweep(self.now);
                self.store.sweep(self.now).await.unwrap();
                self.store.pack_expiries().await.unwrap();
            }
            Act::Reopen => {
                self.store.clone().close().await.unwrap();
                self.store = self.home.open();
            }
        }
    }

    async fn learn(&mut self, links: &[(u8, u8)], also: Option<Other>) {
        let mut changes = Vec::new();
        for (of, to) in links {
            // What one step links twice is linked by the last of them, and no answer does that.
            if !changes
                .iter()
                .any(|change| matches!(change, StateChange::Link { ours: known, .. } if *known == ours(*of)))
            {
                changes.push(StateChange::Link { ours: ours(*of), kommo: kommo(*to) });
                self.model.link(*of, *to, self.now.plus(HOUR));
            }
        }
        if let Some(other) = &also {
            self.model.learn(other, self.now);
        }
        changes.extend(also.map(change));
        let jobs = vec![new_job(None, &lane("a"), "x")];
        self.store.push_with(Intake { jobs, offset: None }, changes, self.now).await.unwrap();
    }

    async fn check(&self) {
        let (store, model) = (&self.store, &self.model);
        for it in 0..FEW {
            let to = model.to_kommo.get(&it).map(|to| kommo(*to));
            assert_eq!(store.kommo_message(&ours(it)).unwrap(), to, "ours {it}");
            let back = model.to_ours.get(&it);
            let all: Vec<_> = back.into_iter().flatten().map(|of| ours(*of)).collect();
            assert_eq!(store.telegram_messages(&kommo(it)).unwrap(), all, "Kommo's {it}");
            assert_eq!(
                store.was_taken(&IdempotencyKey::hook(&kommo(it))).unwrap(),
                back.is_some(),
                "it has crossed: {it}"
            );
            assert_eq!(store.chat(&group(it)).unwrap(), model.chats.get(&it).map(|(to, _)| chat(*to)));
            assert_eq!(store.active_at(&group(it)).unwrap(), model.chats.get(&it).map(|(_, at)| *at));
            let begun = model.openings.get(&it).map(|(to, at)| ManagerInitiated { chat: chat(*to), begun_at: *at });
            assert_eq!(store.opening(&group(it)).unwrap(), begun);
            assert_eq!(store.opened(&chat(it).chat).unwrap(), model.opened.get(&it).map(|of| group(*of)));
            assert_eq!(store.moved_to(&group(it)).unwrap(), model.moved_to.get(&it).map(|to| id(*to)));
            assert_eq!(store.moved_from(&group(it)).unwrap(), model.moved_from.get(&it).map(|from| group(*from)));
            assert_eq!(store.topic(&group(it)).unwrap(), model.topics.get(&it).copied());
            let answers: Vec<_> = model.unread.get(&it).into_iter().flatten().map(|it| unread(*it)).collect();
            assert_eq!(store.unread(&group(it)).unwrap(), answers);
            let number = |(customer, (number, at)): (&u8, &(u8, UnixMillis))| OwnNumber {
                customer: number_of(*customer),
                phone: phone(*number),
                shared_at: *at,
            };
            assert_eq!(store.number_of(number_of(it)).unwrap(), model.numbers.get_key_value(&it).map(number));
            let owner = model.numbers.iter().find(|(_, (number, _))| *number == it);
            assert_eq!(store.owner_of(&phone(it)).unwrap(), owner.map(number), "one number has one owner");
        }
        let known = store.known_chats().await.unwrap();
        let known: BTreeSet<_> = known.into_iter().map(|it| (it.conversation.to_string(), it.chat.chat.0)).collect();
        let expected =
            model.known_chats().into_iter().map(|(of, to)| (group(of).to_string(), chat(to).chat.0)).collect();
        assert_eq!(known, expected);
    }

    /// What is remembered for a time only goes as a whole in the end, and the store does not grow by it.
    async fn finish(self) {
        self.store.sweep(self.now.plus(HOUR * 2)).await.unwrap();
        let left = |row: sled::Result<(sled::IVec, sled::IVec)>| row.unwrap().0.to_vec();
        let left: Vec<_> = self.store.tables().iter().map(left).filter(|key| b"dtke".contains(&key[0])).collect();
        assert!(left.is_empty(), "{:?}", left.iter().map(|key| keys::shown(key)).collect::<Vec<_>>());
    }
}

fn change(other: Other) -> StateChange {
    let answers = |answers: Vec<u8>| answers.into_iter().map(unread).collect();
    match other {
        Other::Chat { of, chat: to } => StateChange::Chat { conversation: group(of), chat: chat(to) },
        Other::ManagerInitiatedChat { of, chat: to } => {
            StateChange::ManagerInitiatedChat { conversation: group(of), chat: chat(to) }
        }
        Other::Answered { of, chat: to } => StateChange::Answered { conversation: group(of), chat: chat(to).chat },
        Other::Move { from, to } => StateChange::Move { from: group(from), to: id(to) },
        Other::Topic { of, topic } => StateChange::Topic { conversation: group(of), topic },
        Other::Unread { of, answers: all } => StateChange::Unread { conversation: group(of), answers: answers(all) },
        Other::Read { of, answers: all } => StateChange::Read { conversation: group(of), answers: answers(all) },
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn what_is_learnt_is_the_model(acts in vec(act(), 1..60)) {
        block_on(async {
            let home = Home::new();
            let store = home.open();
            let mut pair = Pair { home, store, model: Model::default(), now: NOW };
            for act in acts {
                pair.act(act).await;
                pair.check().await;
            }
            pair.finish().await;
        });
    }
}
