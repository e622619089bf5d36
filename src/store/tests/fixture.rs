//! Rows of this version and of earlier ones can be read by every later one.
//!
//! `tests/fixtures/store/format-N.jsonl` is a dump with a row of every kind. A kind that is new gets its row there,
//! from what the ignored test writes; rows that are there already never change, since stores hold them.

use std::{collections::BTreeSet, path::PathBuf};

use super::{
    samples::{BOT, changes, chat, conversation, fill, kommo, ours, sample_jobs},
    *,
};
use crate::{
    domain::{
        address::{ContactId, MessageId, UserId},
        avatar::Avatar,
        crm::{CrmUpdate, LinkTarget, SyncedProfile},
        delivery::{ErrorCode, UnreadAnswer},
        job::{CrmJob, InboundJob, Link, Method, Raw, StatusJob, UpdateCrm},
        message::MediaKind,
        question::Question,
        timestamps::{Arrived, LastSent},
        topic::Topic,
    },
    store::{
        dump::Line,
        hex::unhex,
        rows::{JobRow, ParkedRow},
    },
};

/// The formats that differ in a dump. Format 2 has the rows of 1, and keeps large ones in chunks, which no dump shows.
const FORMATS: [u32; 2] = [1, 3];

fn file(format: u32) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store");
    folder.join(format!("format-{format}.jsonl"))
}

/// The rows of the fixture of a format; 1 has one of every kind, and the others what is written otherwise since.
fn rows_of(format: u32) -> Vec<(Vec<u8>, String)> {
    let text = std::fs::read_to_string(file(format)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap());
    let row = |line| match line {
        Line::Row { k, v } => Some((unhex(&k).unwrap(), v)),
        Line::Head { .. } | Line::Bytes { .. } | Line::End { .. } => None,
    };
    lines.filter_map(row).collect()
}

fn fixture() -> Vec<(Vec<u8>, String)> {
    rows_of(1)
}

/// Names the variants of an enum, each with a name that a test can look for, and lists the names.
macro_rules! kinds {
    ($of:ident, $all:ident, $type:ty, $($pattern:pat => $name:literal,)*) => {
        const $all: &[&str] = &[$($name),*];
        fn $of(value: &$type) -> &'static str {
            match value { $($pattern => $name),* }
        }
    };
}

kinds!(work_kind, WORKS, Job,
    Job::Raw(Raw::Update(_)) => "update",
    Job::Raw(Raw::Hook(_)) => "hook",
    Job::Raw(Raw::Reaction(_)) => "reaction",
    Job::Send(SendJob::Answer(_)) => "answer",
    Job::Send(SendJob::Call(_)) => "call",
    Job::Send(SendJob::Album(_)) => "album",
    Job::Status(StatusJob::Delivery(_)) => "report",
    Job::Status(StatusJob::AssignClientId(_)) => "name",
    Job::Send(SendJob::MarkRead(_)) => "seen",
    Job::Crm(CrmJob::Link(_)) => "link",
    Job::Crm(CrmJob::Update(_)) => "enrich",
    Job::Inbound(InboundJob::ReleaseStartAt(_)) => "hold",
    Job::Inbound(InboundJob::ReleaseStart(_)) => "release",
    Job::Inbound(InboundJob::Remind(_)) => "remind",
    Job::Inbound(InboundJob::MarkDeleted(_)) => "deleted",
);

kinds!(method_kind, METHODS, Method,
    Method::SendText { .. } => "text",
    Method::SendLocation { .. } => "location",
    Method::SendContact { .. } => "contact",
    Method::SendFile { .. } => "file",
);

kinds!(media_kind, MEDIA, MediaKind,
    MediaKind::Picture => "picture",
    MediaKind::Video => "video",
    MediaKind::Voice => "voice",
    MediaKind::Audio => "audio",
    MediaKind::Sticker => "sticker",
    MediaKind::File => "file",
);

kinds!(code_kind, CODES, ErrorCode,
    ErrorCode::ConversationDeleted => "deleted",
    ErrorCode::IntegrationOff => "off",
    ErrorCode::Internal => "internal",
    ErrorCode::ConversationImpossible => "impossible",
    ErrorCode::Other => "other",
);

kinds!(delivery_kind, DELIVERIES, Delivery,
    Delivery::Delivered => "delivered",
    Delivery::Read => "read",
    Delivery::Failed(_) => "failed",
);

kinds!(whose_kind, WHOSE, LinkTarget,
    LinkTarget::Contact(_) => "contact",
    LinkTarget::SameContactAs(_) => "twin",
    LinkTarget::Phone(_) => "phone",
    LinkTarget::SameContactAsOrPhone(_, _) => "both",
);

kinds!(note_kind, NOTES, CrmUpdate,
    CrmUpdate::ContactPatch(_) => "card",
    CrmUpdate::Campaign(_) => "campaign",
);

kinds!(fact_kind, FACTS, StateChange,
    StateChange::Chat { .. } => "chat",
    StateChange::Membership { .. } => "presence",
    StateChange::Connection { .. } => "connection",
    StateChange::Move { .. } => "move",
    StateChange::Newest { .. } => "newest",
    StateChange::Arrived { .. } => "arrived",
    StateChange::LastSent { .. } => "latest",
    StateChange::Unlinked { .. } => "unlinked",
    StateChange::Topic { .. } => "topic",
    StateChange::Question { .. } => "question",
    StateChange::UnderWay { .. } => "under way",
    StateChange::Unread { .. } => "unread",
    StateChange::Read { .. } => "read",
    StateChange::Link { .. } => "link",
    StateChange::Held { .. } => "held",
    StateChange::ManagerInitiatedChat { .. } => "opening",
    StateChange::Answered { .. } => "answered",
    StateChange::SyncedProfile { .. } => "told",
    StateChange::Attended { .. } => "attended",
);

fn assert_all(present: impl Iterator<Item = &'static str>, all: &[&str], of: &str) {
    let (present, all): (BTreeSet<_>, BTreeSet<_>) = (present.collect(), all.iter().copied().collect());
    assert!(!all.is_empty());
    assert_eq!(present, all, "{of}: add a row of each kind to the fixture");
}

/// The jobs of the fixture, parked ones included.
fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for (key, value) in fixture() {
        match key[0] {
            b'j' => jobs.push(rows::parse::<JobRow>(value.as_bytes()).unwrap().job),
            b'p' => jobs.extend(rows::parse::<ParkedRow>(value.as_bytes()).unwrap().jobs),
            _ => {}
        }
    }
    jobs
}

#[test]
fn a_job_is_written_as_it_was_read() {
    let is_job = |(key, _): &(Vec<u8>, String)| key[0] == b'j';
    for (_, value) in fixture().into_iter().filter(is_job) {
        let row: serde_json::Value = serde_json::from_str(&value).unwrap();
        let job = rows::parse::<JobRow>(value.as_bytes()).unwrap().job;
        assert_eq!(serde_json::to_value(&job).unwrap(), row["work"]);
    }
}

#[test]
fn every_kind_of_job_has_a_row() {
    let jobs = jobs();
    assert_all(jobs.iter().map(work_kind), WORKS, "Work");
    assert_all(jobs.iter().flat_map(Job::calls).map(|call| method_kind(&call.method)), METHODS, "Method");
    let files = jobs.iter().flat_map(Job::calls).filter_map(|call| match &call.method {
        Method::SendFile { file, .. } => Some(media_kind(&file.kind)),
        Method::SendText { .. } | Method::SendLocation { .. } | Method::SendContact { .. } => None,
    });
    assert_all(files, MEDIA, "MediaKind");
    let reports = || {
        jobs.iter()
            .filter_map(|job| if let Job::Status(StatusJob::Delivery(report)) = job { Some(report) } else { None })
    };
    assert_all(reports().map(|report| delivery_kind(&report.delivery)), DELIVERIES, "Delivery");
    let codes = reports().filter_map(|report| {
        if let Delivery::Failed(refusal) = &report.delivery { Some(code_kind(&refusal.code)) } else { None }
    });
    assert_all(codes, CODES, "ErrorCode");
    let whose = jobs.iter().filter_map(|job| {
        if let Job::Crm(CrmJob::Link(Link { whose, .. })) = job { Some(whose_kind(whose)) } else { None }
    });
    assert_all(whose, WHOSE, "Whose");
    let notes = jobs.iter().filter_map(|job| {
        if let Job::Crm(CrmJob::Update(UpdateCrm { note, .. })) = job { Some(note_kind(note)) } else { None }
    });
    assert_all(notes, NOTES, "Note");
}

#[test]
fn every_kind_of_fact_and_every_table_has_a_row() {
    assert_all(changes().iter().map(fact_kind), FACTS, "Fact");
    let documented = include_str!("../keys.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
    // A dump has large rows as a whole.
    let documented: BTreeSet<_> =
        documented.map(|line| line.as_bytes()[0]).filter(|table| [*table] != keys::CHUNKS).collect();
    assert!(documented.len() > 20);
    let written: BTreeSet<_> = fixture().iter().map(|(key, _)| key[0]).collect();
    assert_eq!(written, documented, "what keys.rs lists has a row in the fixture");
}

#[test]
fn every_row_is_read_as_what_its_table_holds() {
    let row = |key: &[u8], value: &[u8]| -> Result<(), String> {
        match key[0] {
            b'j' => rows::parse::<JobRow>(value).map(drop),
            b'p' => rows::parse::<ParkedRow>(value).map(drop),
            b'm' if key == b"maccount" => Ok(()),
            b'm' | b'o' | b'd' | b'a' | b'g' | b'n' | b'z' | b'8' => rows::parse::<i64>(value).map(drop),
            b'c' => rows::parse::<Chat>(value).map(drop),
            b't' => rows::parse::<KommoMessageId>(value).map(drop),
            b'k' => rows::parse::<Vec<MessageId>>(value).map(drop),
            b'b' => rows::parse::<Membership>(value).map(drop),
            b'h' => rows::parse::<Connection>(value).map(drop),
            b'w' | b'i' => rows::parse::<String>(value).map(drop),
            b'f' | b's' => rows::parse::<Conversation>(value).map(drop),
            b'0' => rows::parse::<(KommoMessageId, Topic)>(value).map(drop),
            b'1' => rows::parse::<LastSent>(value).map(drop),
            b'2' => rows::parse::<Vec<Arrived>>(value).map(drop),
            b'3' => rows::parse::<Question>(value).map(drop),
            b'4' => rows::parse::<Vec<u16>>(value).map(drop),
            b'5' => rows::parse::<ImportedChat>(value).map(drop),
            b'6' => rows::parse::<KeptUpdate>(value).map(drop),
            b'7' => rows::parse::<ProgramRow>(value).map(drop),
            b'9' => rows::parse::<UnixMillis>(value).map(drop),
            b'u' => rows::parse::<Vec<UnreadAnswer>>(value).map(drop),
            b'x' => rows::parse::<HeldStart>(value).map(drop),
            b'y' => rows::parse::<SyncedProfile>(value).map(drop),
            b'q' | b'r' => rows::parse::<OwnNumber>(value).map(drop),
            b'l' => rows::parse::<ManagerInitiated>(value).map(drop),
            b'v' => rows::parse::<Avatar>(value).map(drop),
            b'e' if keys::expired(key).is_none() => rows::parse::<Vec<(String, u64)>>(value).map(drop),
            b'e' | b'~' => Ok(()),
            table => Err(format!("table {:?} is not known", char::from(table))),
        }
    };
    for (key, value) in FORMATS.into_iter().flat_map(rows_of) {
        row(&key, value.as_bytes()).unwrap_or_else(|why| panic!("{}: {why}", keys::shown(&key)));
    }
}

#[tokio::test]
async fn a_store_of_each_format_is_restored_and_used() {
    for format in FORMATS {
        is_restored_and_used(format).await;
    }
}

async fn is_restored_and_used(format: u32) {
    let home = Home::new();
    Store::restore(home.0.path(), &file(format)).unwrap();
    let store = home.open();
    assert_eq!(store.offset(BOT).unwrap(), Some(2));
    assert_eq!(store.account("https://example.kommo.com").unwrap().as_deref(), Some("account"));
    assert_eq!(
        store.account_facts("https://example.kommo.com").unwrap(),
        AccountFacts::default(),
        "this format has none"
    );
    assert_eq!((store.caught_up_at().unwrap(), store.caught_up_mark().unwrap()), (Some(NOW), Some(1)));
    assert_eq!(store.chat(&conversation()).unwrap(), Some(chat()));
    assert_eq!(store.known_chats().await.unwrap().len(), 2, "and the one that a manager has begun");
    assert_eq!(store.kommo_message(&ours(4)).unwrap(), Some(kommo("linked")));
    assert_eq!(store.telegram_messages(&kommo("linked")).unwrap(), [ours(4)]);
    assert!(store.membership(&conversation()).unwrap().unwrap().shut_out);
    assert_eq!(store.connection_of(BOT, UserId(6)).unwrap().unwrap().name, "Maria");
    let group = Conversation::new(conversation().source, -50);
    assert_eq!(store.moved_to(&group).unwrap(), Some(-10_050));
    assert_eq!(store.moved_from(&Conversation::new(group.source.clone(), -10_050)).unwrap(), Some(group));
    assert_eq!((store.newest(&conversation()).unwrap(), store.topic(&conversation()).unwrap()), (Some(4), Some(2)));
    assert_eq!(store.last_sent(&conversation()).unwrap().unwrap().ours, ours(4));
    assert_eq!(store.arrived(&conversation()).unwrap()[0], Arrived { ours: ours(3), written_at: NOW });
    assert_eq!(store.under_way(&conversation(), &kommo("answer")).unwrap(), Some(Topic::Topic(2)));
    assert_eq!(store.unread(&conversation()).unwrap().len(), 2);
    assert_eq!(store.question(&conversation()).unwrap().unwrap().message, 4);
    assert_eq!(store.held(&conversation()).unwrap().unwrap().raw, "{}");
    assert!(store.synced_profile(&conversation()).unwrap().asked_phone);
    assert_eq!(store.opening(&conversation()).unwrap().unwrap().chat.chat.0, "begun");
    assert_eq!(store.opened(&KommoChatId("begun".to_owned())).unwrap(), Some(conversation()));
    assert_eq!(store.number_of(UserId(5)).unwrap(), store.owner_of("4915177000111").unwrap());
    let avatar = store.avatar(BOT, ContactId::Person(UserId(5))).unwrap().unwrap();
    assert_eq!(avatar.picture.unwrap().file_id, "file");
    assert_eq!(store.used_by("invitation").unwrap().as_deref(), Some("tg:sales:5"));
    let known =
        store.push(Intake { jobs: vec![new_job(Some("update:7:1"), &lane("a"), "x")], offset: None }, NOW).await;
    assert_eq!(known.unwrap(), Pushed { taken: 0, known: 1, numbers: vec![None] });

    let shop = store.program("shop").unwrap();
    assert_eq!((shop.webhook.unwrap().max_connections, shop.dropped), (40, 2));
    let [number] = store.unconfirmed("shop", 0, 10)[..] else { panic!("one update waits") };
    assert_eq!(store.kept(BOT, number).unwrap().unwrap().raw, r#"{"update_id":9}"#);

    // The answer that waits is parked by the restore.
    assert_eq!((store.counts().parked, store.counts().reported), (3, 1));
    let mut claimed_jobs = Vec::new();
    while let Some(lease) = claim(&store) {
        claimed_jobs.push(lease.job().clone());
        lease.settle(done(), NOW).await.unwrap();
    }
    assert!(sample_jobs().iter().all(|job| claimed_jobs.contains(job)), "{claimed_jobs:#?}");

    // Everything that expires has a note.
    store.sweep(NOW.plus(HOUR * 25)).await.unwrap();
    assert_eq!((store.kommo_message(&ours(4)).unwrap(), store.used_by("invitation").unwrap()), (None, None));
    assert!(!store.was_taken(&IdempotencyKey("update:7:1".to_owned())).unwrap());
    assert_eq!((store.counts().reported, store.first_expiry().unwrap()), (0, None));
}

#[tokio::test]
#[ignore = "writes target/rows.jsonl, from which the rows of a new kind are taken over into the fixture"]
async fn write_a_row_of_every_kind() {
    let store = Home::new().open();
    fill(&store).await;
    store.dump(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/rows.jsonl"), NOW).unwrap();
}
