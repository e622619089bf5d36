//! Reactions: the last one that had to arrive holds, and none stands at a message to which nobody gave it.

use std::collections::BTreeMap;

use super::{Scene, Verdict, View};
use crate::people::{self, Reaction};

/// The customer's and the managers', by the words of the messages.
type Shown<'v> = BTreeMap<&'v str, Option<&'v str>>;

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    for View { talk, in_kommo, in_telegram } in scene.views.iter().filter(|view| view.talk.has_reactions()) {
        let in_kommo = in_kommo.iter().map(|message| (message.text.as_str(), message.reaction.as_deref()));
        let in_telegram = in_telegram.iter().map(|message| (message.text.as_str(), message.bot_reaction.as_deref()));
        let sides: [(&str, Shown<'_>); 2] =
            [("a customer's", in_kommo.collect()), ("a manager's", in_telegram.collect())];
        for ((whose, shown), given) in sides.iter().zip(&people::of(scene.book, talk).reactions) {
            for problem in side(shown, given, verdict) {
                verdict.problem(format!("{}: {whose} reaction: {problem}", talk.conversation()));
            }
        }
    }
}

fn side(shown: &Shown<'_>, given: &BTreeMap<String, Vec<Reaction>>, verdict: &mut Verdict) -> Vec<String> {
    let mut problems = Vec::new();
    for (words, emoji) in shown {
        let given = given.get(*words).map(Vec::as_slice).unwrap_or_default();
        if emoji.is_some() && !given.iter().any(|it| it.emoji.as_deref() == *emoji) {
            problems.push(format!("nobody gave {emoji:?} to {words:?}"));
        }
        if let Some(last) = given.last().filter(|last| last.is_sure) {
            verdict.count("reactions that had to arrive", 1);
            if last.emoji.as_deref() != *emoji {
                problems.push(format!("{words:?} shows {emoji:?} in place of {:?}", last.emoji));
            }
        }
    }
    problems
}
