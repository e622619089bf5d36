//! Nothing is anywhere else than where people talk, and nobody says in Kommo what nobody said.

use std::collections::BTreeSet;

use telekommo::sandbox::{
    harness::{Harness, LINES},
    kommo::Author,
    telegram::{ChatMessage, Room},
};

use super::{Scene, Verdict, View, programs};
use crate::people::{self, Talk};

/// How the notices begin that the bridge itself writes for managers.
const NOTICES: [&str; 1] = ["The customer can be answered here for "];

/// How the bots' words begin with which newcomers are asked for their number, and thanked for it.
const ABOUT_NUMBERS: [&str; 2] = ["May we have your phone number?", "Thank you!"];

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    let stage = scene.stage;
    let here = scene.views.iter().map(|view| view.sent().count()).sum::<usize>();
    let (everywhere, asked) = (sent_everywhere(stage), asked(scene, verdict));
    let by_programs = scene.views.iter().map(|view| programs::sent(scene.book, view).count()).sum::<usize>();
    let here = here + asked + by_programs;
    if here != everywhere {
        verdict
            .problem(format!("the bots have written {everywhere} messages in Telegram, and {here} where people talk"));
    }
    let newcomers = scene.book.newcomers.iter().flat_map(|it| LINES.map(|line| it.conversation(line)));
    let histories = scene.book.histories.iter().map(|history| history.conversation.clone());
    let known: BTreeSet<_> = Talk::all().iter().map(Talk::conversation).chain(newcomers).chain(histories).collect();
    let chats = stage.kommo.conversations();
    verdict.problems.extend(
        chats
            .into_iter()
            .filter(|chat| !known.contains(chat))
            .map(|chat| format!("nobody talks in Kommo's conversation {chat:?}")),
    );
    for View { talk, in_kommo, .. } in scene.views {
        let mut answers: BTreeSet<_> =
            people::of(scene.book, talk).answers.iter().map(|answer| answer.id.as_str()).collect();
        for message in in_kommo.iter().filter(|message| message.from != Author::Customer) {
            let is_notice = || NOTICES.iter().any(|notice| message.text.starts_with(notice));
            let is_programs = || scene.book.programs.sent.get(&message.text).is_some_and(|(to, _)| to.is(talk));
            if !answers.remove(message.id.as_str()) && !is_notice() && !is_programs() {
                verdict.problem(format!("{}: in Kommo: nobody said {:?}", talk.conversation(), message.text));
            }
        }
    }
}

/// How many messages the bots have written to newcomers, who are asked for their number and thanked for it.
fn asked(scene: &Scene<'_>, verdict: &mut Verdict) -> usize {
    let mut count = 0;
    for (newcomer, line) in scene.book.newcomers.iter().flat_map(|it| LINES.map(|line| (it, line))) {
        let room = Room::Private { customer: newcomer.id };
        let texts = scene.stage.telegram.read_room(line.token, room, |all| {
            let sent = all.iter().filter(|message| message.from_bot);
            sent.map(|message| message.text.clone()).collect::<Vec<_>>()
        });
        count += texts.len();
        let others = texts.iter().filter(|text| !ABOUT_NUMBERS.iter().any(|start| text.starts_with(start)));
        others.for_each(|text| verdict.problem(format!("newcomer {}: nobody said {text:?}", newcomer.id)));
    }
    count
}

/// How many messages the bots have written, in every chat that there is.
fn sent_everywhere(stage: &Harness) -> usize {
    let telegram = &stage.telegram;
    let people: Vec<_> = telegram.customers().into_iter().map(|customer| customer.id).collect();
    let rooms = LINES.iter().flat_map(|line| {
        let private = people.iter().map(|customer| Room::Private { customer: *customer });
        let groups = telegram.groups(line.token).into_iter().map(|group| Room::Group { group: group.id });
        let desks = telegram.owners(line.token).into_iter().flat_map(|(owner, _)| {
            people.iter().map(move |customer| Room::Desk { owner, customer: *customer }).collect::<Vec<_>>()
        });
        private.chain(groups).chain(desks).map(|room| (line.token, room)).collect::<Vec<_>>()
    });
    let count = |all: &[ChatMessage]| all.iter().filter(|message| message.from_bot).count();
    let sent = |(token, room)| telegram.read_room(token, room, count);
    rooms.map(sent).sum()
}
