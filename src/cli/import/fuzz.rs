//! What is promised of exports, for any bytes.

use std::{
    fs,
    io::{self, Read},
};

use tempfile::TempDir;

use crate::{
    cli::import::{
        export::{Export, ExportFile},
        read,
        survey::{Survey, Wanted},
        walk::{ChatHead, Part, walk},
    },
    domain::{
        address::{BotId, Conversation, SourceId, TelegramChat, UserId},
        imported::{Import, ImportedId, OldContent, OldMessage, Omitted},
        time::UnixMillis,
    },
    media::link::{LinkKey, MediaLinks},
    translate::{text::is_visible, to_kommo},
    words::Language,
};

thread_local! {
    static HOME: TempDir = home();
}

/// A folder for an export with one file, and another file beside it.
fn home() -> TempDir {
    let home = TempDir::new().expect("a folder");
    let made = fs::create_dir_all(home.path().join("export/photos"))
        .and_then(|()| fs::write(home.path().join("export/photos/a.jpg"), "inside"))
        .and_then(|()| fs::write(home.path().join("secret"), "outside"))
        .and_then(|()| std::os::unix::fs::symlink(home.path().join("secret"), home.path().join("export/link")));
    made.expect("files");
    home
}

/// The text of `result.json`.
pub(crate) fn check(bytes: &[u8]) {
    let (parts, ended) = walked(bytes);
    let (again, ended_again) = walked(OneByOne(bytes));
    assert_eq!((&parts, ended), (&again, ended_again), "it does not depend on how it is read");
    for stop in 1..parts.len().min(4) {
        let mut count = 0;
        let stopped = walk(bytes, &mut |_| {
            count += 1;
            count < stop
        });
        assert!(stopped.is_ok() && count == stop, "whoever says to stop is told nothing more");
    }
    HOME.with(|home| {
        fs::write(home.path().join("export/result.json"), bytes).expect("it can be written");
        let export = Export::find(&home.path().join("export"), 1000).expect("it is there");
        for (chat, raw) in parts.iter().filter_map(|(chat, raw)| Some((chat.as_ref()?, raw.as_ref()?))) {
            for language in [Language::En, Language::Ru] {
                message(&export, chat, raw, language);
            }
        }
        match Survey::of(&export, &Wanted::default()) {
            Ok(survey) => {
                assert!(ended, "an export that ends in the middle is none");
                assert!(survey.outgoing() <= survey.messages());
                assert!(!survey.to_string().contains("outside"));
                let _ = survey.owner(None);
            }
            Err(error) => assert!(!format!("{error:#}").trim().is_empty()),
        }
    });
}

type Told = (Option<ChatHead>, Option<String>);

fn walked(export: impl Read) -> (Vec<Told>, bool) {
    let mut parts = Vec::new();
    let ended = walk(export, &mut |part| {
        parts.push(match part {
            Part::Owner(_) => (None, None),
            Part::Chat(chat) => (Some(chat.clone()), None),
            Part::Message(chat, raw) => (Some(chat.clone()), Some(raw.get().to_owned())),
        });
        true
    });
    (parts, ended.is_ok())
}

/// Gives one byte at a time.
struct OneByOne<'a>(&'a [u8]);

impl Read for OneByOne<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = into.len().min(1);
        self.0.read(&mut into[..length])
    }
}

/// A message is one for Kommo, or there is a reason why not.
fn message(export: &Export, chat: &ChatHead, raw: &str, language: Language) {
    let item = match read::read(raw, language) {
        Ok(item) => item,
        Err(why) => return assert!(!format!("{why:?}").is_empty()),
    };
    assert_eq!(read::number(raw), item.id);
    if let OldContent::File(file) = &item.content {
        match export.file(&file.path) {
            ExportFile::There { path, .. } => {
                let text = fs::read(&path).unwrap_or_default();
                assert_ne!(text, b"outside", "{} leads outside", file.path);
            }
            ExportFile::Missing | ExportFile::TooLarge(_) => {}
        }
    }
    assert!(is_visible(&to_kommo::old_words(&item.content, language)), "{item:?}");
    sent(chat, &item, language);
}

fn sent(chat: &ChatHead, item: &OldMessage, language: Language) {
    let source = SourceId::parse("sales").expect("it is one");
    let owned = |id| TelegramChat { owner: Some(UserId(555)), id };
    let id = ImportedId { bot: BotId(7), chat: owned(chat.id), message: item.id };
    let to = Conversation::new(source.clone(), chat.id);
    let links = MediaLinks {
        key: &LinkKey::derive("secret"),
        public_url: &"https://bridge.example.com".parse().expect("it is one"),
        expires_at: UnixMillis(0),
    };
    for omitted in [Omitted::Missing, Omitted::TooLarge] {
        let import = Import {
            source: source.clone(),
            owner: UserId(555),
            chat: chat.id,
            customer: chat.name.clone(),
            message: item.clone(),
            author: None,
            file: Err(omitted),
            quoted: String::new(),
            within_second: 3,
            silent: true,
            language: language.code().to_owned(),
            is_repeated: false,
        };
        let text = serde_json::to_string(&import).expect("it can be written");
        assert_eq!(serde_json::from_str::<Import>(&text).ok().as_ref(), Some(&import), "the bridge reads it");
        let event = to_kommo::import(&import, id, &to, None, &links, language);
        let json = serde_json::to_value(&event).expect("it can be written");
        let payload = &json["payload"];
        let millis = payload["msec_timestamp"].as_i64().unwrap_or(-1);
        assert!(millis >= 0 && payload["timestamp"] == millis / 1000, "{payload}");
        assert!(payload["msgid"].as_str().is_some_and(ImportedId::is_one), "{payload}");
        assert!(payload["conversation_id"].as_str().is_some_and(|id| id.parse::<Conversation>().is_ok()), "{payload}");
        assert!(payload["sender"]["name"].as_str().is_some_and(is_visible), "{payload}");
        let content = &payload["message"];
        match content["type"].as_str() {
            Some("text") => assert!(content["text"].as_str().is_some_and(is_visible), "{content}"),
            Some("location") => {
                assert!(content["location"]["lat"].is_number() && content["location"]["lon"].is_number());
            }
            Some("contact") => assert!(content["contact"]["phone"].as_str().is_some_and(|phone| !phone.is_empty())),
            _ => unreachable!("a file that is not there is told in words: {content}"),
        }
    }
}
