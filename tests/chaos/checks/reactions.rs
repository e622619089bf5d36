//! Reactions: the last one that had to arrive holds, and none stands at a message to which nobody gave it.

use std::collections::BTreeMap;

use super::{Scene, Verdict};
use crate::people::{self, Reaction, Talk};

/// The customer's and the managers', by the words of the messages.
type Shown = BTreeMap<String, Option<String>>;

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    let stage = scene.stage;
    for talk in Talk::all().into_iter().filter(Talk::has_reactions) {
        let in_kommo = talk.in_kommo(&stage.kommo).into_iter().map(|message| (message.text, message.reaction));
        let in_telegram = talk.in_telegram(&stage.telegram).into_iter();
        let in_telegram = in_telegram.map(|message| (message.text, message.bot_reaction));
        let sides: [(&str, Shown); 2] = [("a customer's", in_kommo.collect()), ("a manager's", in_telegram.collect())];
        for ((whose, shown), given) in sides.iter().zip(&people::of(scene.book, &talk).reactions) {
            for problem in side(shown, given, verdict) {
                verdict.problem(format!("{}: {whose} reaction: {problem}", talk.conversation()));
            }
        }
    }
}

fn side(shown: &Shown, given: &BTreeMap<String, Vec<Reaction>>, verdict: &mut Verdict) -> Vec<String> {
    let mut problems = Vec::new();
    for (words, emoji) in shown {
        let given = given.get(words).map(Vec::as_slice).unwrap_or_default();
        if emoji.is_some() && !given.iter().any(|it| it.emoji == *emoji) {
            problems.push(format!("nobody gave {emoji:?} to {words:?}"));
        }
        if let Some(last) = given.last().filter(|last| last.is_sure) {
            verdict.count("reactions that had to arrive", 1);
            if last.emoji != *emoji {
                problems.push(format!("{words:?} shows {emoji:?} in place of {:?}", last.emoji));
            }
        }
    }
    problems
}
