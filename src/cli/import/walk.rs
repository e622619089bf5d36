//! Going through an export without ever holding more than one message of it.

use std::{
    fmt,
    io::{self, BufReader, Read},
};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::{files::text, lenient::lenient};

lenient! {
    /// Whose account it is. An export of one chat does not tell.
    pub(super) struct Personal {
        pub user_id: i64,
    }
}

/// A chat, before its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ChatHead {
    /// In a private chat the other person's Telegram id.
    pub(super) id: i64,
    /// What the owner calls it; empty for a deleted account.
    pub(super) name: String,
    /// `personal_chat`, `bot_chat`, `private_group` and so on.
    pub(super) kind: String,
}

/// What stands in an export, in its order.
pub(super) enum Part<'p> {
    /// Whose account it is.
    Owner(Personal),
    Chat(&'p ChatHead),
    /// A message of it.
    Message(&'p ChatHead, &'p RawValue),
}

/// Is told each part, and says whether to go on.
pub(super) type PartVisitor<'t> = dyn FnMut(Part<'_>) -> bool + 't;

/// How a walk that was told to stop ends, in words that no file has.
const STOPPED: &str = "the walk was told to stop";

/// Goes through an export from the beginning until its end, or until `visit` says to stop.
///
/// # Errors
/// If it is not JSON to its end, or not an object.
pub(super) fn walk(export: impl Read, visit: &mut PartVisitor<'_>) -> Result<(), serde_json::Error> {
    let mut export = BufReader::new(export);
    text::skip_bom(&mut export).map_err(serde_json::Error::io)?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(Mended::new(export)));
    match (Object { visit, place: Level::Root }).deserialize(&mut json) {
        Ok(()) => json.end(),
        Err(error) if error.to_string().starts_with(STOPPED) => Ok(()),
        Err(error) => Err(error),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// The whole file: an account, or one chat.
    Root,
    /// `chats` of an account.
    Chats,
    /// One of its `list`.
    Chat,
}

struct Object<'o, 't> {
    visit: &'o mut PartVisitor<'t>,
    place: Level,
}

impl<'de> DeserializeSeed<'de> for Object<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut chat = ChatHead::default();
        while let Some(key) = map.next_key::<String>()? {
            let of_chat = self.place != Level::Chats;
            match key.as_str() {
                "personal_information" if self.place == Level::Root => {
                    let owner = read(&map.next_value::<Box<RawValue>>()?);
                    emit(self.visit, Part::Owner(owner.unwrap_or_default()))?;
                }
                "chats" if self.place == Level::Root => {
                    map.next_value_seed(Object { visit: &mut *self.visit, place: Level::Chats })?;
                }
                "list" if self.place == Level::Chats => {
                    map.next_value_seed(List { visit: &mut *self.visit, chat: None })?;
                }
                "name" if of_chat => chat.name = read(&map.next_value::<Box<RawValue>>()?).unwrap_or_default(),
                "type" if of_chat => chat.kind = read(&map.next_value::<Box<RawValue>>()?).unwrap_or_default(),
                "id" if of_chat => chat.id = read(&map.next_value::<Box<RawValue>>()?).unwrap_or_default(),
                "messages" if of_chat => {
                    emit(self.visit, Part::Chat(&chat))?;
                    map.next_value_seed(List { visit: &mut *self.visit, chat: Some(&chat) })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn read<T: serde::de::DeserializeOwned>(raw: &RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn emit<E: serde::de::Error>(visit: &mut PartVisitor<'_>, part: Part<'_>) -> Result<(), E> {
    if visit(part) { Ok(()) } else { Err(E::custom(STOPPED)) }
}

/// The messages of a chat, or the chats of an account.
struct List<'l, 't> {
    visit: &'l mut PartVisitor<'t>,
    chat: Option<&'l ChatHead>,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        match self.chat {
            Some(chat) => {
                while let Some(raw) = list.next_element::<Box<RawValue>>()? {
                    emit::<A::Error>(self.visit, Part::Message(chat, &raw))?;
                }
            }
            None => while list.next_element_seed(Object { visit: &mut *self.visit, place: Level::Chat })?.is_some() {},
        }
        Ok(())
    }
}

/// Telegram Desktop writes control characters as `\x1F`, which is not JSON. This makes them `\u001F`.
struct Mended<R> {
    inner: R,
    after_backslash: bool,
    ready: Vec<u8>,
    taken: usize,
}

impl<R> Mended<R> {
    const fn new(inner: R) -> Self {
        Self { inner, after_backslash: false, ready: Vec::new(), taken: 0 }
    }

    fn mend(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let is_escaped = self.after_backslash;
            self.after_backslash = byte == b'\\' && !is_escaped;
            if is_escaped && byte == b'x' {
                self.ready.extend(b"u00");
            } else {
                self.ready.push(byte);
            }
        }
    }
}

impl<R: Read> Read for Mended<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ready.len() {
            let mut chunk = [0; 8192];
            let length = self.inner.read(&mut chunk)?;
            self.ready.clear();
            self.taken = 0;
            self.mend(&chunk[..length]);
        }
        let length = into.len().min(self.ready.len() - self.taken);
        into[..length].copy_from_slice(&self.ready[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let mut visit = |part: Part<'_>| {
            lines.push(match part {
                Part::Owner(owner) => format!("owner {}", owner.user_id.unwrap_or_default()),
                Part::Chat(chat) => format!("{} {} {}", chat.kind, chat.id, chat.name),
                Part::Message(chat, raw) => format!("{}: {}", chat.id, raw.get()),
            });
            !lines.iter().any(|line| line.contains("STOP"))
        };
        walk(text.as_bytes(), &mut visit).map_err(|error| error.to_string())?;
        Ok(lines)
    }

    #[test]
    fn one_chat_and_a_whole_account_are_walked_alike() {
        let chat = r#"{"name":"Anna","type":"personal_chat","id":777,"messages":[{"id":1},{"id":2}]}"#;
        let of_chat = ["personal_chat 777 Anna", r#"777: {"id":1}"#, r#"777: {"id":2}"#];
        assert_eq!(lines_of(chat).unwrap(), of_chat);
        let account = format!(
            r#"{{"about":"x","personal_information":{{"user_id":555}},"contacts":{{"list":[{{"id":1}}]}},
                "chats":{{"about":"x","list":[{chat}]}},"left_chats":{{"list":[{chat}]}}}}"#
        );
        assert_eq!(lines_of(&account).unwrap(), [&["owner 555"][..], &of_chat[..]].concat());
    }

    #[test]
    fn a_mark_in_front_is_skipped_and_utf_16_is_named() {
        let chat = r#"{"type":"personal_chat","id":7,"name":"a","messages":[]}"#;
        assert_eq!(lines_of(&format!("\u{feff}{chat}")).unwrap(), ["personal_chat 7 a"]);
        assert!(lines_of("{\0\"\0").unwrap_err().contains("it is saved as UTF-16: save it as UTF-8"));
    }

    #[test]
    fn control_characters_as_telegram_writes_them_are_read() {
        let text = r#"{"type":"personal_chat","id":7,"name":"a\x1Fb\\x","messages":[]}"#;
        assert_eq!(lines_of(text).unwrap(), ["personal_chat 7 a\u{1f}b\\x"]);
    }

    #[test]
    fn what_is_broken_is_told_and_what_is_stopped_is_not() {
        for bad in ["", "[]", "{\"messages\":[{\"id\":1}", "{} {}", "<html>"] {
            assert!(lines_of(bad).is_err(), "{bad}");
        }
        let stopped = lines_of(r#"{"messages":[{"id":1},{"id":"STOP"},{"id":3}],"broken"#).unwrap();
        assert_eq!(stopped.len(), 3);
    }
}
