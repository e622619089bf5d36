//! Nothing is anywhere else than where people talk, and nobody says in Kommo what nobody said.

use std::collections::BTreeSet;

use telekommo::sandbox::{
    kommo::Author,
    stage::{LINES, Stage},
    telegram::Room,
};

use super::{Scene, Verdict};
use crate::people::{self, Talk};

/// How the notices begin that the bridge itself writes for managers.
const NOTICES: [&str; 1] = ["The customer can be answered here for "];

pub(super) fn judge(scene: &Scene<'_>, verdict: &mut Verdict) {
    let stage = scene.stage;
    let here = Talk::all().iter().map(|talk| talk.sent(&stage.telegram).len()).sum::<usize>();
    let everywhere = sent_everywhere(stage);
    if here != everywhere {
        verdict
            .problem(format!("the bots have written {everywhere} messages in Telegram, and {here} where people talk"));
    }
    let known: BTreeSet<_> = Talk::all().iter().map(Talk::conversation).collect();
    let chats = stage.kommo.chats().into_iter().map(|chat| chat.conversation_id);
    verdict.problems.extend(
        chats.filter(|chat| !known.contains(chat)).map(|chat| format!("nobody talks in Kommo's conversation {chat:?}")),
    );
    for talk in Talk::all() {
        let mut answers: BTreeSet<_> =
            people::of(scene.book, &talk).answers.iter().map(|answer| answer.id.as_str()).collect();
        for message in talk.in_kommo(&stage.kommo).iter().filter(|message| message.from != Author::Customer) {
            let is_notice = || NOTICES.iter().any(|notice| message.text.starts_with(notice));
            if !answers.remove(message.id.as_str()) && !is_notice() {
                verdict.problem(format!("{}: in Kommo: nobody said {:?}", talk.conversation(), message.text));
            }
        }
    }
}

/// How many messages the bots have written, in every chat that there is.
fn sent_everywhere(stage: &Stage) -> usize {
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
    let sent = |(token, room)| telegram.messages_in(token, room).iter().filter(|message| message.from_bot).count();
    rooms.map(sent).sum()
}
