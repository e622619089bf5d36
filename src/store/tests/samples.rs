//! A store that holds one row of every kind.

use super::*;
use crate::domain::{
    address::{BotId, ContactId, MessageId, UserId},
    delivery::{ErrorCode, ToldRefusal, Unread},
    guest::{Card, Guest, Note, Told, Whose},
    keyboard::Button,
    message::MediaKind,
    opening::{Opening, Wording},
    order::{Arrived, Latest},
    portrait::{Picture, Portrait},
    question::Question,
    spot::Spot,
    work::RemoteFile,
};

pub(super) const BOT: BotId = BotId(7);

pub(super) fn conversation() -> Conversation {
    Conversation::new(SourceId::parse("sales").unwrap(), 5)
}

pub(super) fn ours(message: i64) -> MessageId {
    MessageId { bot: BOT, chat: 5.into(), message, update: None }
}

pub(super) fn kommo(id: &str) -> KommoMessageId {
    KommoMessageId(id.to_owned())
}

pub(super) fn chat() -> Chat {
    Chat { chat: KommoChatId("chat".to_owned()), user: Some(KommoUserId("user".to_owned())) }
}

fn guest() -> Guest {
    Guest { id: UserId(5), name: "Anna".to_owned(), username: Some("anna".to_owned()) }
}

fn opening() -> Opening {
    let wording = Wording { file: Some(MediaKind::Picture), text: Some("hello".to_owned()) };
    Opening { chat: KommoChatId("begun".to_owned()), user: chat().user, wording: Some(wording) }
}

fn call(part: u16, method: Method) -> Call {
    let lost = Some(ToldRefusal::new(ErrorCode::Other, "the file is gone"));
    let (answers_in, opening) = (Some(-100), Some(opening()));
    let (message, to) = (kommo("answer"), conversation());
    Call { message, to, part, parts: 4, method, lost, answers_in, opening, written_at: None }
}

fn methods() -> Vec<Method> {
    let button = Button { choice: Some("1".to_owned()), ..Button::link("more", "https://example.com/") };
    let keyboard = Keyboard(vec![vec![button]]);
    let file =
        RemoteFile { kind: MediaKind::Picture, url: "https://example.com/a.jpg".to_owned(), name: "a.jpg".to_owned() };
    let reply_to = Some(3);
    vec![
        Method::SendText { text: "hello".to_owned(), keyboard: keyboard.clone(), reply_to },
        Method::SendLocation { latitude_microdegrees: 1, longitude_microdegrees: -1, reply_to },
        Method::SendContact { phone: "4915177000111".to_owned(), name: "Anna".to_owned(), more: Vec::new(), reply_to },
        Method::SendFile { file, caption: "look".to_owned(), keyboard, reply_to },
    ]
}

/// A file of every kind.
fn files() -> Vec<Method> {
    let kinds =
        [MediaKind::Picture, MediaKind::Video, MediaKind::Voice, MediaKind::Audio, MediaKind::Sticker, MediaKind::File];
    let file = |kind| RemoteFile { kind, url: "https://example.com/a".to_owned(), name: "a".to_owned() };
    let send = |kind| Method::SendFile {
        file: file(kind),
        caption: String::new(),
        keyboard: Keyboard::default(),
        reply_to: None,
    };
    kinds.map(send).to_vec()
}

/// One of every kind of job, with every field filled.
pub(super) fn works() -> Vec<Work> {
    let (conversation, guest, raw) = (conversation(), guest(), r#"{"as":"it came"}"#.to_owned());
    let twin = KommoChatId("twin".to_owned());
    let phone = "4915177000111".to_owned();
    let card = Card {
        phone: Some(phone.clone()),
        username: Some("anna".to_owned()),
        former_username: Some("ann".to_owned()),
        tags: vec!["vip".to_owned()],
    };
    let failed = [
        ErrorCode::ConversationDeleted,
        ErrorCode::IntegrationOff,
        ErrorCode::Internal,
        ErrorCode::ConversationImpossible,
        ErrorCode::Other,
    ];
    let failed = failed.map(|code| Delivery::Failed(ToldRefusal::new(code, "it failed")));
    let deliveries = [Delivery::Delivered, Delivery::Read].into_iter().chain(failed);
    let whose = [
        Whose::Contact(9),
        Whose::Twin(twin.clone()),
        Whose::Phone(phone.clone()),
        Whose::TwinOrPhone(twin, phone.clone()),
    ];
    let mut works = vec![
        Work::Update { source: conversation.source.clone(), bot: BOT, raw: raw.clone() },
        Work::Hook { raw: raw.clone() },
        Work::Reaction { raw },
        Work::Album { calls: files().into_iter().map(|method| call(4, method)).collect() },
        Work::Name { message: kommo("first"), ours: ours(1), opening: opening() },
        Work::Seen { conversation: conversation.clone(), message: 8 },
        Work::Remind { conversation: conversation.clone(), message: 8 },
        Work::Hold { conversation: conversation.clone() },
        Work::Release { conversation: conversation.clone(), phone: Some(phone) },
    ];
    works.extend((1..).zip(methods()).map(|(part, method)| Work::Call(call(part, method))));
    works.extend(deliveries.map(|delivery| Work::Report(Report { message: kommo("answer"), delivery })));
    works.extend(whose.map(|whose| Work::Link { conversation: conversation.clone(), guest: guest.clone(), whose }));
    let notes = [Note::Card(card), Note::Campaign("spring".to_owned())];
    works.extend(notes.map(|note| Work::Enrich { conversation: conversation.clone(), guest: guest.clone(), note }));
    works
}

/// One of every kind of fact, with every field filled.
pub(super) fn facts() -> Vec<Fact> {
    let conversation = conversation();
    let of = || conversation.clone();
    let presence = Presence { shut_out: true, changed_at: NOW, update: 11, learnt_at: NOW.plus(HOUR) };
    let connection = Connection {
        id: "connection".to_owned(),
        owner: UserId(6),
        name: "Maria".to_owned(),
        enabled: true,
        can_reply: true,
        can_read: true,
        made_at: NOW,
    };
    let told = Told {
        username: Some("anna".to_owned()),
        username_field: Some("ann".to_owned()),
        tags: vec!["vip".to_owned()],
        asked_phone: true,
    };
    let unread = |message| Unread { message: kommo("answer"), ours: ours(message), topic: Some(2) };
    let held = Held { bot: BOT, raw: "{}".to_owned(), since: NOW };
    let begun = Chat { chat: opening().chat, user: None };
    let question = Question { guest: guest(), bot: BOT, message: 4, written_at: NOW, is_told: false };
    vec![
        Fact::Chat { conversation: of(), chat: chat() },
        Fact::Presence { conversation: of(), presence },
        Fact::Connection { bot: BOT, connection },
        Fact::Move { from: Conversation::new(of().source, -50), to: -10_050 },
        Fact::Newest { conversation: of(), message: 4 },
        Fact::Arrived { conversation: of(), arrived: Arrived { ours: ours(3), written_at: NOW } },
        Fact::Latest { conversation: of(), latest: Latest { undated_at: Some(NOW), ..Latest::new(ours(4), NOW) } },
        Fact::Unlinked { conversation: Conversation::new(of().source, 6), ours: ours(4) },
        Fact::Topic { conversation: of(), topic: Some(2) },
        Fact::UnderWay { conversation: of(), answer: kommo("answer"), spot: Spot::Topic(2) },
        Fact::Unread { conversation: of(), answers: vec![unread(1), unread(2)] },
        Fact::Read { conversation: Conversation::new(of().source, 6), answers: vec![unread(3)] },
        Fact::Link { ours: ours(4), kommo: kommo("linked") },
        Fact::Held { conversation: of(), held: Some(held) },
        Fact::Question { conversation: of(), question: Some(question) },
        Fact::Opening { conversation: of(), chat: begun },
        Fact::Answered { conversation: of(), chat: KommoChatId("another".to_owned()) },
        Fact::Told { conversation: of(), told },
    ]
}

/// Fills a new store with one row of every kind.
pub(super) async fn fill(store: &Store) {
    store.begin(NOW).await.unwrap();
    let facts_of_account = AccountFacts { language: Some("ru".to_owned()), country: Some("RU".to_owned()) };
    store.remember_account("https://example.kommo.com", "account", facts_of_account).await.unwrap();
    store.caught_up(NOW, 1, Vec::new()).await.unwrap();
    let jobs = [job(Some("update:7:1"), &lane("a"), "needs a person"), job(None, &lane("a"), "told")];
    store.push_with(Intake { jobs: jobs.to_vec(), offset: Some((BOT, 2)) }, facts(), NOW).await.unwrap();
    claim(store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
    let refusal = ToldRefusal::new(ErrorCode::Other, "refused");
    let report = Work::Report(Report { message: kommo("told"), delivery: Delivery::Failed(refusal) });
    let then = vec![NewJob { id: None, lane: lane("reports"), work: report }];
    let told = Ending::Park { why: "refused".to_owned(), then, needs_person: false };
    claim(store).unwrap().settle(told, NOW).await.unwrap();
    let jobs = works().into_iter().map(|work| NewJob { id: None, lane: lane("works"), work });
    store.push(Intake { jobs: jobs.collect(), offset: None }, NOW).await.unwrap();
    push(store, &Lane::outbound(&conversation()), &["waits"]).await;
    let lease = store.claim(&Lane::outbound(&conversation()).route, NOW).unwrap().unwrap();
    lease.settle(retry(NOW.plus(HOUR)), NOW).await.unwrap();
    let number = OwnNumber { customer: UserId(5), phone: "4915177000111".to_owned(), shared_at: NOW };
    store.remember_number(number).await.unwrap();
    let picture = Picture { unique_id: "unique".to_owned(), file_id: "file".to_owned(), size_bytes: Some(1) };
    let portrait = Portrait {
        picture: Some(picture),
        linked_at: NOW,
        name: "Anna".to_owned(),
        username: Some("anna".to_owned()),
        good_until: NOW.plus(HOUR),
    };
    store.remember_portrait(BOT, ContactId::Person(UserId(5)), &portrait).await.unwrap();
    store.redeem("invitation", "tg:sales:5".to_owned(), NOW.plus(HOUR), NOW).await.unwrap();
    let unreadable = r#"{"work":{"kind":"of tomorrow"},"failed":0,"retry_at":null,"enqueued_at":1786017600000}"#;
    let key = [keys::lane(&lane("tomorrow")), vec![0; keys::Place::BYTES]].concat();
    store.db().unwrap().insert(keys::aside(0, &key), unreadable).unwrap();
}
