//! What was imported is in Kommo: all of it, once, by its dates in the order in which it was written, with its authors
//! and what it answers. Managers are notified by no message but the newest, and the newest of the customer's.

use std::collections::{BTreeMap, BTreeSet};

use telekommo::sandbox::kommo::{Author, Message};

use super::{Scene, Verdict};
use crate::people::{History, Past};

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    for history in &scene.book.histories {
        let problems = scene.stage.kommo.read_chat(&history.conversation, |messages| problems(history, messages));
        verdict.problems.extend(problems.into_iter().map(|what| format!("{}: imported: {what}", history.conversation)));
        verdict.count("messages of histories", history.messages.len());
    }
}

fn problems(history: &History, messages: &[Message]) -> Vec<String> {
    let mut problems = Vec::new();
    if !history.is_done {
        problems.push("the command has not come to its end".to_owned());
    }
    let mut there: Vec<_> = messages.iter().collect();
    there.sort_by_key(|message| message.at_ms);
    if there.windows(2).any(|pair| pair[0].at_ms == pair[1].at_ms) {
        problems.push("two messages have the same date".to_owned());
    }
    let places: BTreeMap<_, _> = there.iter().map(|message| message.id.as_str()).zip(0..).collect();
    let past: Vec<_> = there.iter().map(|message| past(message, &places, history)).collect();
    if past != history.messages {
        let at = past.iter().zip(&history.messages).position(|(one, other)| one != other);
        let (here, written) = (at.map(|at| &past[at]), at.map(|at| &history.messages[at]));
        let counts = (past.len(), history.messages.len());
        problems.push(format!("{} of {} arrived; from {at:?} on {here:?}, not {written:?}", counts.0, counts.1));
    }
    let loud: BTreeSet<_> = (0..there.len()).filter(|at| !there[*at].silent).collect();
    if loud != wanted_loud(history) {
        problems.push(format!("managers are notified of {loud:?}"));
    }
    if !there.iter().all(|message| message.imported) {
        problems.push("not all of it was imported".to_owned());
    }
    problems
}

/// The message as it was written. What a message of a history shows. Where the import does not know whether Kommo has
/// the message that is answered, that one's words stand in front.
fn past(message: &Message, places: &BTreeMap<&str, usize>, history: &History) -> Past {
    let in_words = history.messages.iter().enumerate().find_map(|(place, quoted)| {
        let rest = message.text.strip_prefix("> ")?.strip_prefix(&quoted.text)?.strip_prefix("\n\n")?;
        Some((rest.to_owned(), place))
    });
    let named = message.reply_to.as_ref().and_then(|id| places.get(id.as_str()).copied());
    let (text, answers) = match in_words {
        Some((text, place)) => (text, Some(place)),
        None => (message.text.clone(), named),
    };
    Past { text, is_customers: message.from == Author::Customer, at: message.at_ms.div_euclid(1000), answers }
}

/// Of which messages managers are notified.
fn wanted_loud(history: &History) -> BTreeSet<usize> {
    if history.is_silent {
        return BTreeSet::new();
    }
    let customers = history.messages.iter().rposition(|it| it.is_customers);
    customers.into_iter().chain(history.messages.len().checked_sub(1)).collect()
}
