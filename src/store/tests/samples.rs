//! A store that holds one row of every kind.

use super::*;
use crate::domain::{
    address::{BotId, ContactId, MessageId, TelegramChat, UserId},
    avatar::{Avatar, Picture},
    crm::{ContactPatch, CrmUpdate, CustomerProfile, LinkTarget, SyncedProfile},
    delivery::{ErrorCode, RefusalText, UnreadAnswer},
    imported::ImportedId,
    job::{
        Album, AssignClientId, Hook, Link, MarkDeleted, MarkRead, Raw, ReleaseStart, ReleaseStartAt, Remind,
        RemoteFile, Update, UpdateCrm,
    },
    keyboard::Button,
    manager_initiated::{ManagerInitiatedChat, UnknownRecipient, Wording},
    message::{Attachment, Content, Media, MediaKind, Outbound, Quote, Recipient},
    question::Question,
    timestamps::{Arrived, LastSent},
    topic::Topic,
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

fn customer() -> CustomerProfile {
    CustomerProfile { id: UserId(5), name: "Anna".to_owned(), username: Some("anna".to_owned()) }
}

fn opening() -> ManagerInitiatedChat {
    let wording = Wording { file: Some(MediaKind::Picture), text: Some("hello".to_owned()) };
    ManagerInitiatedChat { chat: KommoChatId("begun".to_owned()), user: chat().user, wording: Some(wording) }
}

fn call(part: u16, method: Method) -> Call {
    let omitted = Some(RefusalText::new(ErrorCode::Other, "the file is gone"));
    let (answers_in, opening) = (Some(-100), Some(opening()));
    let (message, to) = (kommo("answer"), conversation());
    Call { message, to, part, parts: 4, method, omitted, answers_in, opening, written_at: None }
}

fn methods() -> Vec<Method> {
    let button = Button { choice: Some("1".to_owned()), ..Button::link("more", "https://example.com/") };
    let keyboard = Keyboard(vec![vec![button]]);
    let file = RemoteFile::new(MediaKind::Picture, "https://example.com/a.jpg".to_owned(), "a.jpg".to_owned());
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
    let file = |kind| RemoteFile::new(kind, "https://example.com/a".to_owned(), "a".to_owned());
    let send = |kind| Method::SendFile {
        file: file(kind),
        caption: String::new(),
        keyboard: Keyboard::default(),
        reply_to: None,
    };
    kinds.map(send).to_vec()
}

/// Answers of every content, with every field filled.
fn answers() -> Vec<Outbound> {
    let words = || Some("look".to_owned());
    let file = |name: &str| Attachment {
        kind: MediaKind::Picture,
        url: "https://example.com/a.jpg".to_owned(),
        file_name: name.to_owned(),
        caption: words(),
    };
    let media = Media {
        kind: MediaKind::Video,
        file_id: "file".to_owned(),
        file_name: "a.mp4".to_owned(),
        mime_type: Some("video/mp4".to_owned()),
        size_bytes: Some(1),
        duration_seconds: Some(2),
        caption: words(),
    };
    let contents = [
        Content::Text("hello".to_owned()),
        Content::Media(media),
        Content::Location { latitude: 48.5, longitude: -2.25, caption: words() },
        Content::Contact { name: "Anna".to_owned(), phone: "4915177000111".to_owned(), caption: words() },
        Content::Unknown { kind: "picture".to_owned(), caption: words() },
    ];
    let unknown = UnknownRecipient { phone: Some("4915177000111".to_owned()), opening: Some(opening()) };
    let recipients = [
        Recipient::Known(conversation()),
        Recipient::Foreign("elsewhere".to_owned()),
        Recipient::UnknownRecipient(unknown),
    ];
    let quote = Quote { ours: Some(ours(3)), kommo: Some(kommo("quoted")), words: "When?".to_owned(), is_part: true };
    let answer = |(content, to)| Outbound {
        id: kommo("lost"),
        to,
        source: Some("sales".to_owned()),
        content,
        file: Some(file("a.jpg")),
        passed_on: vec![file("b.jpg")],
        keyboard: Keyboard(vec![vec![Button::link("more", "https://example.com/")]]),
        quote: Some(quote.clone()),
        group: Some("group".to_owned()),
        written_at: Some(NOW),
    };
    contents.into_iter().zip(recipients.into_iter().cycle()).map(answer).collect()
}

/// One of every kind of job, with every field filled.
pub(super) fn sample_jobs() -> Vec<Job> {
    let (conversation, customer, raw) = (conversation(), customer(), r#"{"as":"it came"}"#.to_owned());
    let twin = KommoChatId("twin".to_owned());
    let phone = "4915177000111".to_owned();
    let card = ContactPatch {
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
    let failed = failed.map(|code| Delivery::Failed(RefusalText::new(code, "it failed")));
    let deliveries = [Delivery::Delivered, Delivery::Read].into_iter().chain(failed);
    let whose = [
        LinkTarget::Contact(9),
        LinkTarget::SameContactAs(twin.clone()),
        LinkTarget::Phone(phone.clone()),
        LinkTarget::SameContactAsOrPhone(twin, phone.clone()),
    ];
    let mut jobs = vec![
        Job::from(Update { source: conversation.source.clone(), bot: BOT, raw: raw.clone(), program: None }),
        Job::from(Hook { raw: raw.clone() }),
        Job::Raw(Raw::Reaction(Hook { raw })),
        Job::from(Album { calls: files().into_iter().map(|method| call(4, method)).collect() }),
        Job::from(AssignClientId { message: kommo("first"), ours: ours(1), opening: opening() }),
        Job::from(MarkRead { conversation: conversation.clone(), message: 8 }),
        Job::from(Remind { conversation: conversation.clone(), message: 8 }),
        Job::from(ReleaseStartAt { conversation: conversation.clone() }),
        Job::from(ReleaseStart { conversation: conversation.clone(), phone: Some(phone) }),
    ];
    jobs.extend((1..).zip(methods()).map(|(part, method)| Job::from(call(part, method))));
    jobs.extend(deliveries.map(|delivery| Job::from(DeliveryReport { message: kommo("answer"), delivery })));
    jobs.extend(
        whose.map(|whose| Job::from(Link { conversation: conversation.clone(), customer: customer.clone(), whose })),
    );
    let notes = [CrmUpdate::ContactPatch(card), CrmUpdate::Campaign("spring".to_owned())];
    jobs.extend(
        notes.map(|note| Job::from(UpdateCrm { conversation: conversation.clone(), customer: customer.clone(), note })),
    );
    jobs.extend(answers().into_iter().map(|answer| Job::from(Box::new(answer))));
    jobs.push(Job::from(MarkDeleted { conversation, message: kommo("deleted"), learned_at: NOW }));
    jobs
}

/// One of every kind of change, with every field filled.
pub(super) fn changes() -> Vec<StateChange> {
    let conversation = conversation();
    let of = || conversation.clone();
    let membership = Membership { shut_out: true, changed_at: NOW, update: 11, learnt_at: NOW.plus(HOUR) };
    let connection = Connection {
        id: "connection".to_owned(),
        owner: UserId(6),
        name: "Maria".to_owned(),
        enabled: true,
        can_reply: true,
        can_read: true,
        made_at: NOW,
    };
    let profile = SyncedProfile {
        username: Some("anna".to_owned()),
        username_field: Some("ann".to_owned()),
        tags: vec!["vip".to_owned()],
        asked_phone: true,
    };
    let unread = |message| UnreadAnswer { message: kommo("answer"), ours: ours(message), topic: Some(2) };
    let held = HeldStart { bot: BOT, raw: "{}".to_owned(), since: NOW };
    let begun = Chat { chat: opening().chat, user: None };
    let question = Question { customer: customer(), bot: BOT, message: 4, written_at: NOW, is_reminded: false };
    vec![
        StateChange::Chat { conversation: of(), chat: chat() },
        StateChange::Membership { conversation: of(), membership },
        StateChange::Connection { bot: BOT, connection },
        StateChange::Move { from: Conversation::new(of().source, -50), to: -10_050 },
        StateChange::Newest { conversation: of(), message: 4 },
        StateChange::Arrived { conversation: of(), arrived: Arrived { ours: ours(3), written_at: NOW } },
        StateChange::LastSent {
            conversation: of(),
            last_sent: LastSent { undated_at: Some(NOW), ..LastSent::new(ours(4), NOW) },
        },
        StateChange::Unlinked { conversation: Conversation::new(of().source, 6), ours: ours(4) },
        StateChange::Topic { conversation: of(), topic: Some(2) },
        StateChange::UnderWay { conversation: of(), answer: kommo("answer"), spot: Topic::Topic(2) },
        StateChange::Unread { conversation: of(), answers: vec![unread(1), unread(2)] },
        StateChange::Read { conversation: Conversation::new(of().source, 6), answers: vec![unread(3)] },
        StateChange::Link { ours: ours(4), kommo: kommo("linked") },
        StateChange::Held { conversation: of(), held: Some(held) },
        StateChange::Question { conversation: of(), question: Some(question) },
        StateChange::ManagerInitiatedChat { conversation: of(), chat: begun },
        StateChange::Answered { conversation: of(), chat: KommoChatId("another".to_owned()) },
        StateChange::SyncedProfile { conversation: of(), profile },
        StateChange::Attended { conversation: of() },
    ]
}

/// Fills a new store with one row of every kind.
pub(super) async fn fill(store: &Store) {
    store.begin(NOW).await.unwrap();
    let facts_of_account = AccountFacts { language: Some("ru".to_owned()), country: Some("RU".to_owned()) };
    store.remember_account("https://example.kommo.com", "account", facts_of_account).await.unwrap();
    store.advance_watermark(NOW, 1, Vec::new()).await.unwrap();
    let jobs = [new_job(Some("update:7:1"), &lane("a"), "needs a person"), new_job(None, &lane("a"), "told")];
    store.push_with(Intake { jobs: jobs.to_vec(), offset: Some((BOT, 2)) }, changes(), NOW).await.unwrap();
    claim(store).unwrap().settle(park("hopeless"), NOW).await.unwrap();
    let refusal = RefusalText::new(ErrorCode::Other, "refused");
    let report = Job::from(DeliveryReport { message: kommo("told"), delivery: Delivery::Failed(refusal) });
    let then = vec![NewJob { id: None, lane: lane("reports"), job: report }];
    let outcome = Outcome::Park { why: "refused".to_owned(), then, needs_person: false };
    claim(store).unwrap().settle(outcome, NOW).await.unwrap();
    let jobs = sample_jobs().into_iter().map(|job| NewJob { id: None, lane: lane("works"), job });
    store.push(Intake { jobs: jobs.collect(), offset: None }, NOW).await.unwrap();
    push(store, &Lane::outbound(&conversation()), &["waits"]).await;
    let lease = store.claim(&Lane::outbound(&conversation()).route, NOW).unwrap().unwrap();
    lease.settle(retry(NOW.plus(HOUR)), NOW).await.unwrap();
    let number = OwnNumber { customer: UserId(5), phone: "4915177000111".to_owned(), shared_at: NOW };
    store.remember_number(number).await.unwrap();
    let picture = Picture { unique_id: "unique".to_owned(), file_id: "file".to_owned(), size_bytes: Some(1) };
    let avatar = Avatar {
        picture: Some(picture),
        linked_at: NOW,
        name: "Anna".to_owned(),
        username: Some("anna".to_owned()),
        good_until: NOW.plus(HOUR),
    };
    store.remember_avatar(BOT, ContactId::Person(UserId(5)), &avatar).await.unwrap();
    let imports = store.imports("scope");
    let owned = TelegramChat { owner: Some(UserId(6)), id: 5 };
    let imported = ImportedMessage { id: ImportedId { bot: BOT, chat: owned, message: 600 }, linked: None };
    imports.note(vec![imported], NOW).await.unwrap();
    let chat = ImportedChat { chat: KommoChatId("imported".to_owned()), noted_at: NOW };
    imports.note_chats(vec![(conversation(), chat)]).await.unwrap();
    store.note_imports_by_managers(NOW).await.unwrap();
    store.redeem("invitation", "tg:sales:5".to_owned(), NOW.plus(HOUR), NOW).await.unwrap();
    let served = ServedProgram { bot: BOT, quiet: Some(HOUR) };
    store.serve_programs([("shop".to_owned(), served)].into(), NOW).await.unwrap();
    let update = KeptUpdate {
        at: NOW,
        kind: "message".to_owned(),
        thread: "tg:sales:5".to_owned(),
        contact: Some("tg-user:5".to_owned()),
        is_ours: true,
        raw: r#"{"update_id":9}"#.to_owned(),
    };
    let kept = NewKept { id: IdempotencyKey("update:7:9".to_owned()), bot: BOT, update, conversation: None };
    store.push_kept(Intake::default(), vec![kept], NOW).await.unwrap();
    let webhook = Webhook {
        url: "https://shop.example.com/hook".to_owned(),
        secret_token: Some("word".to_owned()),
        max_connections: 40,
        certificate: Some("PEM".to_owned()),
    };
    let wish = move |row: &mut ProgramRow| {
        (row.webhook, row.wanted) = (Some(webhook), vec![(1, Some(vec!["message".to_owned()]))]);
        (row.done, row.dropped, row.withheld) = ([row.cursor + 1].into_iter().collect(), 2, 3);
    };
    store.set_program("shop", wish).await.unwrap();
    let unreadable = r#"{"work":{"kind":"of tomorrow"},"failed":0,"retry_at":null,"enqueued_at":1786017600000}"#;
    let key = [keys::lane(&lane("tomorrow")), vec![0; keys::JobKey::BYTES]].concat();
    store.tables().insert(keys::aside(0, &key), unreadable).unwrap();
}
