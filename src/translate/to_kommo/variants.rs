//! The forms in which a message can be sent to Kommo, from the richest to the plainest.
//!
//! If Kommo refuses an attachment of a message, its text must arrive all the same. Each form leaves out one thing more
//! than the one before, the least important first, so there are at most five.

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

/// What goes to Kommo with a message.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// The choice that a press of a button makes, by Kommo's id.
    pub choice: Option<String>,
    /// A link to the customer's picture.
    pub picture: Option<String>,
    /// The chat that a manager has begun and that the message answers, and the customer in it, by Kommo's ids.
    pub begun: Option<(KommoChatId, Option<KommoUserId>)>,
    /// What stands for the quote where Kommo does not take the message that it names.
    pub unnamed: Option<Quote>,
}

impl Extras {
    /// Nothing but what the message itself has.
    #[must_use]
    pub fn of(inbound: &Inbound) -> Self {
        let unnamed = inbound.quote.clone().map(|quote| Quote { kommo: None, ..quote });
        Self { unnamed, ..Self::default() }
    }
}

/// What a form is the first to leave out. It also leaves out all that the forms before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    Nothing,
    /// The customer's picture.
    Picture,
    /// The chat that a manager has begun.
    Begun,
    /// The name of the message that it answers.
    Named,
    /// The file, to which a link leads.
    File,
}

/// One form of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// What it lacks.
    pub without: Without,
    /// Whether it is an answer to what a manager has begun.
    pub is_begun: bool,
    /// What Kommo is sent.
    pub event: Event,
}

const ALL: [Without; 5] = [Without::Nothing, Without::Picture, Without::Begun, Without::Named, Without::File];

impl Without {
    /// Whether a message has what this form lacks.
    fn is_other(self, inbound: &Inbound, extras: &Extras) -> bool {
        match self {
            Self::Nothing => true,
            Self::Picture => extras.picture.is_some(),
            Self::Begun => extras.begun.is_some(),
            Self::Named => extras.unnamed != inbound.quote,
            Self::File => matches!(inbound.content, Content::Media(_)),
        }
    }

    /// Whether something is still there.
    const fn keeps(self, part: Self) -> bool {
        (self as u8) < part as u8
    }

    fn variant(self, inbound: &Inbound, extras: &Extras, links: &MediaLinks<'_>, language: Language) -> Variant {
        let quote = if self.keeps(Self::Named) { &inbound.quote } else { &extras.unnamed };
        let inbound = Inbound { quote: quote.clone(), ..inbound.clone() };
        let link = if self.keeps(Self::File) { None } else { linked(&inbound, links, language) };
        let mut event = link.unwrap_or_else(|| encode(&inbound, links, language));
        event.payload.message.callback_data.clone_from(&extras.choice);
        let begun = extras.begun.as_ref().filter(|_| self.keeps(Self::Begun));
        if let Some((chat, user)) = begun {
            event = answering(event, chat, user.as_ref());
        }
        if let Some(picture) = extras.picture.clone().filter(|_| self.keeps(Self::Picture)) {
            event = pictured(event, picture);
        }
        Variant { without: self, is_begun: begun.is_some(), event }
    }
}

/// The forms of a message for managers who read `language`, each of which differs from the one before. Kommo fetches
/// files by `links`.
pub fn variants<'m>(
    inbound: &'m Inbound,
    extras: &'m Extras,
    links: &'m MediaLinks<'_>,
    language: Language,
) -> impl Iterator<Item = Variant> {
    let others = ALL.into_iter().filter(|without| without.is_other(inbound, extras));
    others.map(move |without| without.variant(inbound, extras, links, language))
}

#[cfg(test)]
#[path = "variants_tests.rs"]
mod tests;
