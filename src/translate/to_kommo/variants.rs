//! The variants of a message for Kommo, from the richest to the plainest.
//!
//! If Kommo refuses a part of a message, its text must arrive all the same. Each variant leaves out one more part, the
//! least important first, so there are at most five.

use crate::{
    domain::{
        address::{KommoChatId, KommoUserId},
        message::{Content, Inbound, Quote},
    },
    kommo::wire::Event,
    media::link::MediaLinks,
    translate::to_kommo::{
        encode,
        fallbacks::{linked, pictured},
        manager_initiated::answering,
    },
    words::Language,
};

/// Optional parts that are sent with a message.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Kommo's id of the choice of a pressed button.
    pub choice: Option<String>,
    /// A link to the customer's avatar.
    pub picture: Option<String>,
    /// Kommo's ids of a manager-initiated chat that the message answers, and of the customer in it.
    pub begun: Option<(KommoChatId, Option<KommoUserId>)>,
    /// The quote without Kommo's id, for when Kommo refuses the quoted message.
    pub unnamed: Option<Quote>,
}

impl Extras {
    /// The optional parts of the message itself.
    #[must_use]
    pub fn of(inbound: &Inbound) -> Self {
        let unnamed = inbound.quote.clone().map(|quote| Quote { kommo: None, ..quote });
        Self { unnamed, ..Self::default() }
    }
}

/// The part that a variant is the first to leave out. It also leaves out those of the variants before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    Nothing,
    /// The customer's avatar.
    Picture,
    /// The ids of a manager-initiated chat.
    Begun,
    /// The id of the quoted message.
    Named,
    /// The file, in whose place there is a link.
    File,
}

/// A variant of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    pub without: Without,
    /// Whether it has the ids of a manager-initiated chat.
    pub is_begun: bool,
    pub event: Event,
}

const ALL: [Without; 5] = [Without::Nothing, Without::Picture, Without::Begun, Without::Named, Without::File];

impl Without {
    /// Whether a message has the part that this variant leaves out.
    fn applies(self, inbound: &Inbound, extras: &Extras) -> bool {
        match self {
            Self::Nothing => true,
            Self::Picture => extras.picture.is_some(),
            Self::Begun => extras.begun.is_some(),
            Self::Named => extras.unnamed != inbound.quote,
            Self::File => matches!(inbound.content, Content::Media(_)),
        }
    }

    /// Whether this variant still has a part.
    const fn includes(self, part: Self) -> bool {
        (self as u8) < part as u8
    }

    fn variant(self, inbound: &Inbound, extras: &Extras, links: &MediaLinks<'_>, language: Language) -> Variant {
        let quote = if self.includes(Self::Named) { &inbound.quote } else { &extras.unnamed };
        let inbound = Inbound { quote: quote.clone(), ..inbound.clone() };
        let link = if self.includes(Self::File) { None } else { linked(&inbound, links, language) };
        let mut event = link.unwrap_or_else(|| encode(&inbound, links, language));
        event.payload.message.callback_data.clone_from(&extras.choice);
        let begun = extras.begun.as_ref().filter(|_| self.includes(Self::Begun));
        if let Some((chat, user)) = begun {
            event = answering(event, chat, user.as_ref());
        }
        if let Some(picture) = extras.picture.clone().filter(|_| self.includes(Self::Picture)) {
            event = pictured(event, picture);
        }
        Variant { without: self, is_begun: begun.is_some(), event }
    }
}

/// The variants of a message for managers who read `language`, each different from the one before. Kommo downloads
/// files by `links`.
pub fn variants<'m>(
    inbound: &'m Inbound,
    extras: &'m Extras,
    links: &'m MediaLinks<'_>,
    language: Language,
) -> impl Iterator<Item = Variant> {
    let others = ALL.into_iter().filter(|without| without.applies(inbound, extras));
    others.map(move |without| without.variant(inbound, extras, links, language))
}

#[cfg(test)]
#[path = "variants_tests.rs"]
mod tests;
