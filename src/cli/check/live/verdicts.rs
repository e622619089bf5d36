//! What the answers to the tests mean.

use std::time::Duration;

use crate::{
    cli::check::live::{
        outcome::{Answered, ProbeOutcome},
        sending::{Sent, describe, unclear},
    },
    domain::{amount::counted, assumed::StatusNames},
    kommo::{chats::CallError, wire::HistoryItem},
    metrics::Fetch,
};

type Answer<T> = Result<T, CallError>;

/// What became of a long text.
#[derive(Debug)]
pub(super) enum KeptText {
    Whole,
    /// So many characters of it are there.
    Cut(usize),
    Refused(CallError),
    /// It was accepted, and is not in the history.
    Unseen,
}

/// A call that neither was accepted nor refused for what stands in it.
fn is_unclear<T>(answer: &Answer<T>) -> bool {
    answer.as_ref().err().is_some_and(|error| !error.is_bad_request())
}

/// The same message sent twice; so many of it are in the history.
pub(super) fn repeated(again: &Answer<Sent>, copies: usize, first: &Sent) -> ProbeOutcome {
    let make = |state, found: &str| {
        let assumed = "Kommo takes each id of a message once, however it answers the second time";
        ProbeOutcome::new("Same message twice", state, assumed, found).with_answers(vec![describe(again)])
    };
    let is_ambiguous = again.as_ref().err().is_some_and(CallError::is_ambiguous);
    match again {
        _ if copies > 1 => make(Answered::Differs, "Kommo makes a second message of it").with_effect(
            "If the answer to a message is lost on the way, telekommo sends it again, and managers see it twice",
        ),
        _ if copies == 0 => make(Answered::Open, "the history does not show how many messages there are"),
        Ok(second) if second.id == first.id => {
            make(Answered::AsAssumed, "the second call is answered with the ids of the first message")
        }
        Ok(_) => make(Answered::AsAssumed, "there is one message, though the second call is answered with another id"),
        Err(_) if is_ambiguous => {
            make(Answered::AsAssumed, "the second call is accepted, and its answer names nothing")
                .with_effect("telekommo looks into the chat's history for the id of a message that it repeats")
        }
        Err(error) if error.is_bad_request() => make(Answered::AsAssumed, "the second call is refused").with_effect(
            "telekommo looks into the chat's history before it takes the refusal of a repeated message for one",
        ),
        Err(error) => make(Answered::Open, &unclear(error)),
    }
}

/// What became of an edit; whether it is in the history, if that can be read.
pub(super) fn edits(answer: &Answer<()>, is_there: Option<bool>) -> ProbeOutcome {
    let make = |state, found: &str| {
        let assumed = "Kommo takes edits of customers' messages, until it refuses those of three";
        ProbeOutcome::new("Edits", state, assumed, found).with_answers(vec![describe(answer)])
    };
    let off = || "kommo.customer_edits = false".to_owned();
    match answer {
        Ok(()) if is_there == Some(true) => make(Answered::AsAssumed, "it takes them"),
        Ok(()) if is_there.is_none() => make(Answered::Open, "it accepts one, and the history cannot be read"),
        Ok(()) => make(Answered::Differs, "it accepts an edit, and the message keeps its words")
            .with_effect("Managers do not see what customers change. With the setting, each edit is a message")
            .with_setting(off()),
        Err(error) if error.is_bad_request() => make(Answered::Differs, "it refuses them")
            .with_effect("An edit becomes a message that quotes the old one. With the setting, none is tried in vain")
            .with_setting(off()),
        Err(error) => make(Answered::Open, &unclear(error)),
    }
}

const STATUS_IN_MESSAGES: &str = "Status with message";
const STATUS_IN_MESSAGES_ASSUMED: &str =
    "Kommo takes what was sent elsewhere together with its delivery status, until it refuses that";

pub(super) fn no_bot() -> ProbeOutcome {
    let found = "not tried, because kommo.bot_id is not set";
    ProbeOutcome::new(STATUS_IN_MESSAGES, Answered::Open, STATUS_IN_MESSAGES_ASSUMED, found)
}

pub(super) fn status_in_messages(with: &Answer<Sent>, bare: Option<&Answer<Sent>>) -> ProbeOutcome {
    let make = |state, found: &str| {
        let answers = std::iter::once(with).chain(bare).map(describe).collect();
        ProbeOutcome::new(STATUS_IN_MESSAGES, state, STATUS_IN_MESSAGES_ASSUMED, found).with_answers(answers)
    };
    match (with, bare) {
        (Ok(_), _) => make(Answered::AsAssumed, "it takes both together"),
        (Err(error), Some(Ok(_))) if error.is_bad_request() => {
            make(Answered::Differs, "it takes such a message without a status only")
                .with_effect(
                    "What an owner writes in their own chat has no delivery status in Kommo. With the setting, none is \
                     tried in vain",
                )
                .with_setting("kommo.status_in_messages = false".to_owned())
        }
        (Err(_), Some(Err(error))) if error.is_bad_request() => make(
            Answered::Open,
            "Kommo takes no message of the channel's bot at all: ask its support whether kommo.bot_id is right",
        ),
        (Err(error), _) => make(Answered::Open, &unclear(error)),
    }
}

const STATUS_NAMES: &str = "Delivery status";
const STATUS_NAMES_ASSUMED: &str = "Kommo takes status_code beside delivery_status, until it refuses that";

pub(super) fn no_message_of_bot() -> ProbeOutcome {
    let found = "not tried, because there is no message of the channel's bot, and those of managers are left alone: set \
                 kommo.bot_id, and run this again";
    ProbeOutcome::new(STATUS_NAMES, Answered::Open, STATUS_NAMES_ASSUMED, found)
}

pub(super) fn status_names(tried: &[(StatusNames, Answer<()>)]) -> ProbeOutcome {
    let make = |state, found: &str| {
        let answers = tried.iter().map(|(names, answer)| format!("{}: {}", names.name(), describe(answer))).collect();
        ProbeOutcome::new(STATUS_NAMES, state, STATUS_NAMES_ASSUMED, found).with_answers(answers)
    };
    let taken: Vec<_> = tried.iter().filter(|(_, answer)| answer.is_ok()).map(|(names, _)| *names).collect();
    if let Some((_, Err(error))) = tried.iter().find(|(_, answer)| is_unclear(answer)) {
        return make(Answered::Open, &unclear(error));
    }
    match taken.as_slice() {
        [StatusNames::Both, rest @ ..] => {
            let alone: Vec<_> = rest.iter().map(|names| names.name()).collect();
            let alone = if alone.is_empty() { "neither alone".to_owned() } else { alone.join(" and ") + " alone" };
            make(Answered::AsAssumed, &format!("it takes both together, and {alone}"))
        }
        [names, ..] => make(Answered::Differs, &format!("it takes {} alone", names.name()))
            .with_effect("Without the setting, the first status after a start costs more than one call")
            .with_setting(format!("kommo.status_names = \"{}\"", names.name())),
        [] => make(Answered::Differs, "it takes none of them")
            .with_effect("Managers do not see what becomes of their answers: send this report to the makers"),
    }
}

const QUOTES: &str = "Quotes";
const QUOTES_ASSUMED: &str = "Kommo takes a message that quotes one of its own by its id";

pub(super) fn nothing_to_quote() -> ProbeOutcome {
    let found = "not tried, because Kommo does not tell the ids of new messages";
    ProbeOutcome::new(QUOTES, Answered::Open, QUOTES_ASSUMED, found)
}

pub(super) fn quotes(known: &Answer<Sent>, unknown: &Answer<Sent>) -> ProbeOutcome {
    let of_unknown = match unknown {
        Ok(_) => "it takes a quote of an unknown message, too",
        Err(error) if error.is_bad_request() || error.is_unknown() => "it refuses a quote of an unknown message",
        Err(_) => "what it makes of a quote of an unknown message is not known",
    };
    let make = |state, found: &str| {
        ProbeOutcome::new(QUOTES, state, QUOTES_ASSUMED, found).with_answers(vec![describe(known), describe(unknown)])
    };
    match known {
        Ok(_) => make(Answered::AsAssumed, &format!("it does, and {of_unknown}")),
        Err(error) if error.is_bad_request() => make(Answered::Differs, "it refuses quotes")
            .with_effect("telekommo sends such a message again, with the quoted words in front of it"),
        Err(error) => make(Answered::Open, &unclear(error)),
    }
}

pub(super) fn texts(longest: &KeptText, longer: &KeptText) -> ProbeOutcome {
    let shown = |kept: &KeptText| match kept {
        KeptText::Whole => "whole".to_owned(),
        KeptText::Cut(chars) => format!("cut to {chars}"),
        KeptText::Refused(error) => describe::<()>(&Err(error.clone())),
        KeptText::Unseen => "accepted, not seen".to_owned(),
    };
    let make = |state, found: String| {
        let assumed = "Kommo takes and keeps texts that are as long as Telegram's longest, 4,096 characters";
        ProbeOutcome::new("Long texts", state, assumed, found).with_answers(vec![shown(longest), shown(longer)])
    };
    match (longest, longer) {
        (KeptText::Whole, KeptText::Whole) => make(Answered::AsAssumed, "it keeps all of 16,384 characters".to_owned()),
        (KeptText::Whole, _) => {
            make(Answered::AsAssumed, "it keeps 4,096 characters, and not all of 16,384".to_owned())
        }
        (KeptText::Cut(chars), _) => make(Answered::Differs, format!("it keeps {chars} characters of 4,096"))
            .with_effect("Managers do not see the end of customers' long messages"),
        (KeptText::Refused(error), _) if error.is_bad_request() => {
            make(Answered::Differs, "it refuses 4,096 characters".to_owned())
                .with_effect("telekommo parks customers' long messages: `telekommo queue list --parked` shows them")
        }
        (KeptText::Refused(error), _) => make(Answered::Open, unclear(error)),
        (KeptText::Unseen, _) => make(Answered::Open, "it accepts 4,096 characters, and does not show them".to_owned()),
    }
}

const FILES: &str = "Fetching of files";
const FILES_ASSUMED: &str = "Kommo fetches a file from server.public_url soon after its message";
const NO_PICTURE: &str = "not tried, because neither the bot nor your own account shows it a picture: give the bot one \
                          by @BotFather";

pub(super) fn no_picture() -> ProbeOutcome {
    ProbeOutcome::new(FILES, Answered::Open, FILES_ASSUMED, NO_PICTURE)
}

pub(super) fn files(sent: &Answer<Sent>, fetches: &[Fetch], within: Duration) -> ProbeOutcome {
    let make = |state, found: &str| {
        let shown = |it: &Fetch| format!("{}{} {}", it.method, if it.is_part { " with Range" } else { "" }, it.status);
        let answers = std::iter::once(describe(sent)).chain(fetches.iter().map(shown)).collect();
        ProbeOutcome::new(FILES, state, FILES_ASSUMED, found).with_answers(answers)
    };
    let within = within.as_secs();
    match (sent, fetches) {
        (Err(error), _) => make(Answered::Open, &unclear(error)),
        (Ok(_), []) => make(Answered::Differs, &format!("it has not fetched one within {within} seconds")).with_effect(
            "If `telekommo check` finds the way of files in order, Kommo fetches files only once somebody opens them: \
             they must be at Telegram for as long, and links good, see media.links_for",
        ),
        (Ok(_), fetches) => {
            let number = |which: &dyn Fn(&Fetch) -> bool| fetches.iter().filter(|it| which(it)).count();
            let heads = number(&|it| it.method == "HEAD");
            let (parts, wholes) =
                (number(&|it| it.method == "GET" && it.is_part), number(&|it| it.method == "GET" && !it.is_part));
            let ways = [(heads, "HEAD"), (wholes, "GET of the whole"), (parts, "GET with Range")];
            let ways = ways.into_iter().filter(|(number, _)| *number > 0);
            let ways = ways.map(|(number, way)| format!("{number} {way}")).collect::<Vec<_>>().join(", ");
            make(Answered::AsAssumed, &format!("it does, by {ways}"))
        }
    }
}

const FILE_SIZE: &str = "Large files";
const FILE_SIZE_ASSUMED: &str = "Kommo takes messages with files that are as large as Telegram lets the bot have them";

pub(super) fn no_large_picture() -> ProbeOutcome {
    ProbeOutcome::new(FILE_SIZE, Answered::Open, FILE_SIZE_ASSUMED, NO_PICTURE)
}

pub(super) fn file_size(sent: &Answer<Sent>, bytes: u64) -> ProbeOutcome {
    let megabytes = bytes >> 20;
    let make = |state, found: String| {
        ProbeOutcome::new(FILE_SIZE, state, FILE_SIZE_ASSUMED, found).with_answers(vec![describe(sent)])
    };
    match sent {
        Ok(_) => make(
            Answered::AsAssumed,
            format!("it takes one that is said to have {megabytes} MiB; whether it fetches as much was not tried"),
        ),
        Err(error) if error.is_bad_request() => {
            make(Answered::Differs, format!("it refuses a file of {megabytes} MiB"))
                .with_effect("telekommo sends the file's name, its size and its link as a text instead")
        }
        Err(error) => make(Answered::Open, unclear(error)),
    }
}

/// Whether the history has the fields by which telekommo knows messages and people again.
pub(super) fn history(items: &[HistoryItem]) -> ProbeOutcome {
    let customers = || items.iter().filter(|item| item.receiver.is_none());
    let has = |matches: &dyn Fn(&HistoryItem) -> bool| customers().any(matches);
    let fields = [
        ("message.id", has(&|item| item.content().id.is_some())),
        ("message.client_id", has(&|item| item.content().client_id.is_some())),
        ("sender.client_id", has(&|item| item.sender.as_ref().is_some_and(|sender| sender.client_id.is_some()))),
        ("msec_timestamp", has(&|item| item.msec_timestamp.is_some())),
    ];
    let make = |state, found: String| {
        let answers = fields.iter().map(|(name, has)| format!("{name}: {}", if *has { "yes" } else { "no" })).collect();
        let assumed = "the history of a chat tells the ids that telekommo has given, and milliseconds";
        ProbeOutcome::new("History", state, assumed, found).with_answers(answers)
    };
    let missing: Vec<_> = fields.iter().filter(|(_, has)| !has).map(|(name, _)| *name).collect();
    if items.is_empty() {
        make(Answered::Open, "the history cannot be read".to_owned())
    } else if missing.is_empty() {
        make(Answered::AsAssumed, "it does".to_owned())
    } else {
        let found = format!("it lacks {}: {}", counted(missing.len(), "field"), missing.join(", "));
        make(Answered::Differs, found).with_effect(
            "telekommo cannot see there whether a message whose answer was lost has come, and may take your customers' \
             words for answers: send this report to the makers before you rely on answers that hooks have missed",
        )
    }
}

pub(super) fn typing(has_typed: Option<bool>) -> ProbeOutcome {
    let make = |state, found| {
        let assumed = "Kommo may tell when managers type, if its support has enabled it for the channel";
        ProbeOutcome::new("Typing of managers", state, assumed, found)
    };
    match has_typed {
        Some(true) => make(Answered::AsAssumed, "it tells it"),
        Some(false) => make(
            Answered::Open,
            "it has told of none since the bridge began: type in this conversation in Kommo, and run this again. If \
             it stays so, ask Kommo's support to enable typing, quotes and forwards for the channel",
        ),
        None => make(Answered::Open, "the bridge does not say"),
    }
}
