//! What a private message says about its author besides its text, and what Kommo is to record of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{Conversation, KommoChatId, SourceId, UserId},
        time::UnixMillis,
    },
    words::Language,
};

/// A customer as Telegram shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerProfile {
    pub id: UserId,
    pub name: String,
    /// Their public name, without `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// What a private message says about its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartContext {
    pub update: i64,
    /// When it was written, if that is known.
    pub written_at: Option<UnixMillis>,
    pub conversation: Conversation,
    pub customer: CustomerProfile,
    /// The language of their Telegram, such as `pt` or `pt-br`.
    pub language: Option<String>,
    /// Their own phone number, which Telegram vouches for: digits alone.
    pub phone: Option<String>,
    /// The payload of `/start`, empty if it has none; `None` if the message is no `/start`.
    pub start: Option<String>,
}

/// The contact that a conversation's chat is to be linked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkTarget {
    /// A contact, by its number.
    Contact(u64),
    /// The contact of another chat: the person writes to two bots.
    #[serde(rename = "twin")]
    SameContactAs(KommoChatId),
    /// The only contact with this phone number: digits alone.
    Phone(String),
    /// As [`LinkTarget::SameContactAs`], else as [`LinkTarget::Phone`].
    #[serde(rename = "twin_or_phone")]
    SameContactAsOrPhone(KommoChatId, String),
}

/// What is to be recorded in Kommo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrmUpdate {
    #[serde(rename = "card")]
    ContactPatch(ContactPatch),
    /// In the lead: the campaign that it came from, by its name in the configuration.
    Campaign(String),
}

/// What a contact is to hold. Nothing is removed from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPatch {
    /// A phone number: digits alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The public name in Telegram, without `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The public name that was recorded before, which may be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_username: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// What has been recorded of a customer already, so that it is not sent with every message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncedProfile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The contact field that it was recorded in, as the configuration named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_field: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether the bot has asked for their phone number.
    #[serde(default)]
    pub asked_phone: bool,
}

/// A campaign: what leads get that come from its links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    pub tags: Vec<String>,
    /// Tracking fields, by the end of the field's code: `source`, `medium` and so on.
    pub utm: Vec<(&'static str, String)>,
    /// The only source whose links count, if not all do.
    pub source: Option<SourceId>,
}

impl Campaign {
    /// Whether a link of `source` counts.
    #[must_use]
    pub fn counts_at(&self, source: &SourceId) -> bool {
        self.source.as_ref().is_none_or(|only| only == source)
    }
}

/// The texts that ask a customer for their phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneText {
    pub ask: String,
    /// The label of the button that shares it.
    pub button: String,
    /// The answer to a customer who has shared it.
    pub thanks: String,
}

/// The texts in each language, by its code in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhoneTexts(pub BTreeMap<String, PhoneText>);

impl PhoneTexts {
    /// The texts in `language`, else in the language without its country, else in the `usual` one, else in English,
    /// else in any.
    #[must_use]
    pub fn for_language(&self, language: Option<&str>, usual: Language) -> Option<&PhoneText> {
        let language = language.unwrap_or_default().to_lowercase();
        let base = language.split(['-', '_']).next().unwrap_or_default();
        [language.as_str(), base, usual.code(), "en"]
            .iter()
            .find_map(|code| self.0.get(*code))
            .or_else(|| self.0.values().next())
    }
}

/// The digits of a phone number.
#[must_use]
pub fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_in_the_nearest_language() {
        let text = |word: &str| PhoneText { ask: word.to_owned(), button: String::new(), thanks: String::new() };
        let texts = |codes: &[&str]| PhoneTexts(codes.iter().map(|code| ((*code).to_owned(), text(code))).collect());
        let all = texts(&["en", "pt", "pt-br"]);
        let text_for = |language, usual| all.for_language(language, usual).map(|it| it.ask.as_str());
        for (language, want) in [("pt-BR", "pt-br"), ("pt-pt", "pt"), ("en", "en"), ("ru", "en"), ("", "en")] {
            assert_eq!(text_for(Some(language), Language::En), Some(want), "{language}");
        }
        assert_eq!([Some("de"), None].map(|language| text_for(language, Language::Pt)), [Some("pt"); 2]);
        assert_eq!(text_for(Some("en"), Language::Pt), Some("en"));
        assert_eq!(texts(&["es"]).for_language(None, Language::Ru), Some(&text("es")));
        assert_eq!(texts(&[]).for_language(None, Language::Ru), None);
    }
}
