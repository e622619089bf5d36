//! Each kind of message and of update that Telegram knows, from its update to what Kommo is told.
//!
//! Every file in `tests/fixtures/telegram` is an update as the Bot API describes it: a message of the kind that the
//! file is called after, or in `updates` an update of that kind.

use std::{fs, path::Path, time::Duration};

use reqwest::Url;
use serde_json::Value;
use telekommo::{
    domain::{
        address::{BotId, SourceId, UserId},
        membership::Connection,
        message::{Inbound, Skip},
        time::UnixMillis,
    },
    kommo::wire::Message,
    media::link::{LinkKey, Links, Target},
    telegram::wire::{ABOUT, CONTENTS},
    translate::{
        from_telegram::{Arrival, DecodeContext, Received},
        to_kommo,
    },
    words::Language,
};

use description::Description;

mod crossing;
mod description;
mod samples;
mod walk;

const NOW: UnixMillis = UnixMillis(1_786_017_600_000);
const BOT: BotId = BotId(123_456);

/// What is read of an update by a bot that relays groups and answers for a person.
fn arrival(raw: &str) -> Result<Arrival, Skip> {
    let connection = Connection {
        id: "bc1".to_owned(),
        owner: UserId(777_000_222),
        name: "Ivan Petrov".to_owned(),
        enabled: true,
        can_reply: true,
        can_read: true,
        made_at: NOW,
    };
    let source = SourceId::parse("sales").unwrap();
    Received::read(raw).decode(&DecodeContext {
        source: &source,
        bot: BOT,
        connection: Some(&connection),
        program: None,
        groups: true,
        largest_file_bytes: 20 << 20,
        language: Language::En,
        now: NOW,
    })
}

/// The message of an update that has one.
fn inbound(raw: &str) -> Inbound {
    match arrival(raw) {
        Ok(Arrival::Message(inbound)) => *inbound,
        other => panic!("{other:?}"),
    }
}

/// The `message` of the event that a message becomes, its text below it.
fn told(inbound: &Inbound) -> String {
    shown(to_kommo::encode(inbound, &links().made_at(NOW), Language::En).payload.message)
}

/// The same of the event that gives a message another wording.
fn reworded(inbound: &Inbound) -> String {
    shown(to_kommo::edit(inbound, &links().made_at(NOW), Language::En).payload.message)
}

fn links() -> Links {
    Links {
        key: LinkKey::derive("0123456789abcdef0123456789abcdef01234567"),
        public_url: Url::parse("https://bridge.example.com").unwrap(),
        valid_for: Duration::from_hours(24),
    }
}

/// A message for Kommo, its text below it. Links are cut to what does not depend on the key.
fn shown(mut message: Message) -> String {
    if let Some(link) = &mut message.media {
        let (sealed, name) = link.strip_prefix("https://bridge.example.com/media/").unwrap().split_once('/').unwrap();
        let Ok(Target::AtTelegram(linked)) = links().key.open(&format!("/media/{sealed}/{name}"), NOW) else {
            panic!("{link} leads nowhere")
        };
        *link = format!("{} {} {name}", linked.file_id, linked.mime_type.as_deref().unwrap_or("?"));
    }
    let text = message.text.take().map(|text| format!("\n{text}").replace('\n', "\n    ")).unwrap_or_default();
    format!("{}{text}", serde_json::to_string(&message).unwrap())
}

/// The fixtures in a folder, by name.
fn fixtures(folder: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/telegram").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut fixtures: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "json") && !path.ends_with("bot_api.json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    fixtures.sort_by(|(one, _), (other, _)| one.cmp(other));
    fixtures
}

/// The update with its message in a private chat: what it says does not depend on where, and which chats are relayed is
/// no matter of its kind.
fn in_private(update: &Value) -> String {
    let mut update = update.clone();
    update["message"]["chat"] = serde_json::json!({ "id": 777_000_111, "type": "private", "first_name": "Ann" });
    update.to_string()
}

#[test]
fn every_kind_of_message_has_its_form_in_kommo() {
    let told = fixtures("").into_iter().map(|(name, update)| {
        let told = told(&inbound(&in_private(&update)));
        let (kind, text) = told.split_once('\n').unwrap_or((&told, ""));
        assert!(!kind.contains(r#""type":"text""#) || !text.trim().is_empty(), "{name} says nothing");
        format!("{name}: {told}")
    });
    insta::assert_snapshot!("messages", told.collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_kind_of_update_is_relayed_or_has_its_reason() {
    let told = fixtures("updates").into_iter().map(|(name, update)| {
        let told = match arrival(&update.to_string()) {
            Ok(Arrival::Message(inbound)) => format!("in {} {}", inbound.conversation, told(&inbound)),
            Ok(Arrival::ButtonPress(tap)) => told(&tap.inbound),
            Ok(Arrival::Reaction(reaction)) => format!("reaction {:?} to {}", reaction.emoji, reaction.message),
            Ok(Arrival::Membership(change)) => {
                format!("shut out of {}: {}", change.conversation, change.membership.shut_out)
            }
            Ok(Arrival::Connection(connection)) => format!("connected by {}", connection.name),
            Ok(Arrival::Deletion(deletion)) => format!("deleted: {:?}", deletion.messages),
            Ok(Arrival::Move(moved)) => format!("{} is {} now", moved.from, moved.to),
            Err(skip) => skip.to_string(),
        };
        format!("{name}: {told}")
    });
    insta::assert_snapshot!("updates", told.collect::<Vec<_>>().join("\n"));
}

#[test]
fn fixtures_are_what_the_description_describes() {
    let description = Description::read();
    let all = [fixtures(""), fixtures("updates")].concat();
    assert!(all.len() > 100, "only {} fixtures were read", all.len());
    let faults = all.iter().flat_map(|(name, update)| description.faults(update, "Update", name));
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_field_of_a_message_is_about_it_or_is_what_it_says() {
    let mut sorted = [ABOUT, CONTENTS].concat();
    sorted.sort_unstable();
    assert_eq!(sorted, Description::read().fields("Message"));
}

#[test]
fn every_kind_has_a_fixture() {
    let messages = fixtures("");
    let shown = |field: &&&str| !messages.iter().any(|(_, update)| update["message"].get(**field).is_some());
    assert_eq!(CONTENTS.iter().filter(shown).collect::<Vec<_>>(), Vec::<&&str>::new());
    let description = Description::read();
    let updates: Vec<_> = fixtures("updates").into_iter().filter(|(name, update)| update.get(name).is_some()).collect();
    let names: Vec<_> = updates.iter().map(|(name, _)| name.as_str()).collect();
    let kinds = description.fields("Update").into_iter().filter(|field| *field != "update_id");
    assert_eq!(names, kinds.collect::<Vec<_>>());
}

/// A fixture as an update of the kind `edited_message`, of a message that somebody has changed.
fn edited(raw: &str) -> String {
    let mut update: serde_json::Value = serde_json::from_str(raw).unwrap();
    let mut message = update["message"].take();
    message["edit_date"] = message["date"].clone();
    serde_json::json!({ "update_id": update["update_id"], "edited_message": message }).to_string()
}

#[test]
fn a_position_that_is_shared_live_is_told_once() {
    let moved = edited(include_str!("../fixtures/telegram/live_location.json"));
    assert!(arrival(&moved).is_err());
}

#[test]
fn what_was_changed_is_told_with_all_that_belongs_to_it() {
    let list = include_str!("../fixtures/telegram/checklist.json");
    for (raw, words) in
        [(include_str!("../fixtures/telegram/photo.json"), "Вот стол"), (list, "[checklist] Move\n    ☑ Pack")]
    {
        // An edit says what the message itself would say now.
        let (new, edited) = (inbound(raw), inbound(&edited(raw)));
        assert_eq!(reworded(&edited), told(&new));
        assert!(told(&new).contains(&format!("\n    {words}")), "{}", told(&new));
        assert!(told(&edited).contains(&format!("\n    [edited] {words}")), "{}", told(&edited));
    }
}
