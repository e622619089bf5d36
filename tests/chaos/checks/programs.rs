//! The owner's programs got all that Telegram told the bot, in order, and nothing again that they had confirmed. What
//! they sent stands in Telegram and in Kommo once.

use std::collections::BTreeSet;

use telekommo::sandbox::{harness::Harness, kommo::Author, telegram::ChatMessage};

use super::{Scene, Verdict, View};
use crate::people::{
    Book, Talk,
    programs::{SHARED, content},
};

/// What has not come to a program yet, or not to Kommo.
pub(super) fn left(stage: &Harness, book: &Book) -> usize {
    let (programs, forgotten) = (&book.programs, forgotten(stage));
    let is_shown = |text: &str, talk: &Talk| {
        talk.in_kommo(&stage.kommo, |messages| messages.iter().any(|message| message.text == text))
    };
    let unshown = programs.sent.iter().filter(|(text, (talk, is_sure))| *is_sure && !is_shown(text, talk)).count();
    programs.missing(&programs.polls, &forgotten) + programs.missing(&programs.hooked, &forgotten) + unshown
}

/// What Telegram has forgotten before the bot had it.
fn forgotten(stage: &Harness) -> BTreeSet<String> {
    stage.telegram.expired(SHARED.token).iter().map(content).collect()
}

/// What programs have sent there.
pub(super) fn sent<'v>(book: &'v Book, view: &'v View) -> impl Iterator<Item = &'v ChatMessage> {
    let is_theirs = |message: &&ChatMessage| {
        message.from_bot && book.programs.sent.get(&message.text).is_some_and(|(to, _)| to.is(&view.talk))
    };
    view.in_telegram.iter().filter(is_theirs)
}

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    let (programs, forgotten) = (&scene.book.programs, forgotten(scene.stage));
    for (how, log, are_chats_apart) in [("getUpdates", &programs.polls, false), ("the webhook", &programs.hooked, true)]
    {
        let lost = programs.missing(log, &forgotten);
        if lost > 0 {
            verdict.problem(format!("{lost} updates did not come by {how}"));
        }
        let problems = programs.out_of_order(log, are_chats_apart);
        verdict.problems.extend(problems.iter().chain(&log.problems).map(|what| format!("by {how}: {what}")));
    }
    verdict.count("updates by getUpdates", programs.polls.first.len());
    verdict.count("updates by getUpdates again, not confirmed", programs.polls.again);
    verdict.count("updates by webhook", programs.hooked.first.len());
    verdict.count("updates by webhook again, not taken", programs.hooked.again);
    verdict.count("updates by webhook again, cut off", programs.hooked.again_though_confirmed);
    verdict.count("messages of programs", programs.sent.len());
    for view in scene.views {
        shown(scene.book, view, verdict);
    }
}

/// What programs have sent stands there once, if Telegram's answer has come, and else once at most.
fn shown(book: &Book, view: &View, verdict: &mut Verdict) {
    for (text, (_, is_sure)) in book.programs.sent.iter().filter(|(_, (to, _))| to.is(&view.talk)) {
        let in_telegram = sent(book, view).filter(|message| message.text == *text).count();
        let in_kommo = view.in_kommo.iter().filter(|message| message.from != Author::Customer && message.text == *text);
        let in_kommo = in_kommo.count();
        verdict.count("messages of programs, answered", usize::from(*is_sure));
        verdict.count("messages of programs in Telegram", in_telegram);
        verdict.count("messages of programs in Kommo", in_kommo);
        let is_right =
            if *is_sure { (in_telegram, in_kommo) == (1, 1) } else { in_kommo <= in_telegram && in_telegram <= 1 };
        if !is_right {
            verdict.problem(format!(
                "{text:?} of a program's stands {in_telegram} times in Telegram and {in_kommo} times in Kommo, \
                 answered: {is_sure}"
            ));
        }
    }
}
