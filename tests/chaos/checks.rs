//! What must hold once everything works again.

use std::collections::{BTreeMap, BTreeSet};

use telekommo::sandbox::{
    kommo::{Author, Message, Status},
    stage::{LINES, Stage},
};

use crate::people::{self, Book, Said, Talk};

/// How many messages the bot had written in each conversation when the bridge was killed.
pub(crate) type Seen = BTreeMap<usize, usize>;

/// What came of a phase.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) problems: Vec<String>,
    pub(crate) written: usize,
    pub(crate) accepted: usize,
    pub(crate) delivered: usize,
    pub(crate) uncertain: usize,
    pub(crate) failed: usize,
    /// New wordings that stand behind the old ones.
    pub(crate) told_anew: usize,
    /// Answers that Telegram shows twice, each next to a kill.
    pub(crate) doubled: usize,
}

/// How many messages the bot has written everywhere.
pub(crate) fn seen(stage: &Stage) -> Seen {
    Talk::all().iter().map(|talk| (talk.number(), talk.sent(&stage.telegram).len())).collect()
}

/// How much of what was said has not arrived yet, and is not given up either.
pub(crate) fn left(stage: &Stage, book: &Book) -> usize {
    let pending: usize = LINES.iter().map(|line| stage.telegram.pending(line.token)).sum();
    let open = Talk::all().into_iter().map(|talk| {
        let (said, messages) = (people::of(book, &talk), talk.in_kommo(&stage.kommo));
        let arrived: BTreeSet<_> = from_customer(&talk, &messages).into_iter().collect();
        let missing = said.written.iter().filter(|text| !arrived.contains(text.as_str())).count();
        let open = said.answers.iter().filter(|answer| answer.is_accepted).filter(|answer| {
            let message = messages.iter().find(|message| message.id == answer.id);
            message.is_none_or(|message| message.status == Status::Sent)
        });
        missing + open.count()
    });
    pending + open.sum::<usize>()
}

/// What the customers of a conversation have written, as Kommo shows it, without the names of a group's speakers.
fn from_customer<'m>(talk: &Talk, messages: &'m [Message]) -> Vec<&'m str> {
    let theirs = messages.iter().filter(|message| message.from == Author::Customer);
    theirs.map(|message| message.text.find(&talk.tag()).map_or("", |at| &message.text[at..])).collect()
}

/// What is judged.
pub(crate) struct Scene<'s> {
    pub(crate) stage: &'s Stage,
    pub(crate) book: &'s Book,
    pub(crate) kills: &'s [Seen],
    /// What the bridge has said since it was judged before.
    pub(crate) logs: &'s str,
    /// What it has set aside, as it tells its operator.
    pub(crate) parked: &'s str,
}

/// Judges everything that was said since the beginning.
pub(crate) fn judge(scene: &Scene<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Scene { stage, book, kills, .. } = scene;
    for talk in Talk::all() {
        let said = people::of(book, &talk);
        verdict.written += said.written.len();
        in_kommo(&talk, said, stage, &mut verdict);
        in_telegram(&talk, said, stage, kills, &mut verdict);
    }
    in_the_log(scene, &mut verdict);
    if scene.parked.contains("\"route\":\"inbound") {
        verdict.problems.push(format!("a customer's message was set aside: {}", scene.parked));
    }
    verdict
}

/// No panic, and no secret.
fn in_the_log(scene: &Scene<'_>, verdict: &mut Verdict) {
    // sled itself gives up in this way where a disk fails. The bridge's own code never does.
    if scene.logs.lines().any(|line| line.contains("panicked at") && !line.contains("/sled-")) {
        verdict.problems.push("the bridge has panicked".to_owned());
    }
    let tokens = LINES.iter().filter_map(|line| line.token.split_once(':')).map(|(_, secret)| secret);
    let settings = scene.stage.kommo.settings();
    if tokens.chain([settings.channel_secret.as_str()]).any(|secret| scene.logs.contains(secret)) {
        verdict.problems.push("a secret is in the log".to_owned());
    }
}

/// Every message of a customer is there, once, in order, as it was left, and nothing of anybody else.
fn in_kommo(talk: &Talk, said: &Said, stage: &Stage, verdict: &mut Verdict) {
    let messages = talk.in_kommo(&stage.kommo);
    let mut problem = |what: String| verdict.problems.push(format!("{}: in Kommo: {what}", talk.conversation()));
    let foreign = messages.iter().filter(|message| message.from != Author::Bot && !message.text.contains(&talk.tag()));
    foreign.for_each(|message| problem(format!("{:?} does not belong here", message.text)));
    let ids: Vec<_> = messages.iter().filter_map(|message| message.client_msgid.as_ref()).collect();
    if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
        problem("a message is there twice".to_owned());
    }
    let mut arrived = from_customer(talk, &messages);
    // A new wording that Kommo did not take in place of the old one stands behind it.
    let all = arrived.clone();
    arrived.retain(|text| !all.iter().any(|other| other.strip_suffix(people::CHANGED) == Some(text)));
    verdict.told_anew += all.len() - arrived.len();
    if arrived != said.written {
        let lost: Vec<_> = said.written.iter().filter(|text| !arrived.contains(&text.as_str())).collect();
        let more: Vec<_> = arrived.iter().filter(|text| !said.written.iter().any(|one| one == *text)).collect();
        let (count, at) = (said.written.len(), arrived.iter().zip(&said.written).position(|(one, other)| one != other));
        problem(format!("{} of {count} arrived; lost {lost:?}, more {more:?}, others from {at:?} on", arrived.len()));
    }
}

/// Every answer has an end that Kommo knows; what was delivered is there; order is kept; a kill explains each repetition.
fn in_telegram(talk: &Talk, said: &Said, stage: &Stage, kills: &[Seen], verdict: &mut Verdict) {
    let (messages, sent) = (talk.in_kommo(&stage.kommo), talk.sent(&stage.telegram));
    let mut problems = Vec::new();
    let mut numbers = Vec::new();
    for message in &sent {
        match said.answers.iter().position(|answer| answer.text == message.text) {
            Some(number) => numbers.push(number),
            None => problems.push(format!("{:?} does not belong here", message.text)),
        }
    }
    // What Kommo could not hand over is found later, behind what it could.
    let taken = numbers.iter().filter(|number| said.answers[**number].is_accepted);
    if !taken.clone().is_sorted() {
        problems.push(format!("out of order: {:?}", taken.collect::<Vec<_>>()));
    }
    for (number, answer) in said.answers.iter().enumerate() {
        let count = numbers.iter().filter(|sent| **sent == number).count();
        let status = messages.iter().find(|message| message.id == answer.id).map(|message| &message.status);
        verdict.accepted += usize::from(answer.is_accepted);
        match status {
            Some(Status::Delivered | Status::Read) => {
                verdict.delivered += 1;
                if count == 0 {
                    problems.push(format!("{:?} is called delivered, and is not there", answer.text));
                }
            }
            Some(Status::Failed { text, .. }) if text.starts_with("May not") => verdict.uncertain += 1,
            Some(Status::Failed { text, .. }) => {
                verdict.failed += 1;
                if count > 0 {
                    problems.push(format!("{:?} is there, and is called failed: {text}", answer.text));
                }
            }
            Some(Status::Sent) | None if answer.is_accepted => {
                problems.push(format!("{:?} has no end", answer.text));
            }
            Some(Status::Sent) | None => {}
        }
    }
    // Between a message and its repetition lies a kill.
    for (at, number) in numbers.iter().enumerate() {
        let Some(first) = numbers[..at].iter().rposition(|earlier| earlier == number) else { continue };
        verdict.doubled += 1;
        if !kills.iter().any(|kill| (first + 1..=at).contains(&kill[&talk.number()])) {
            problems.push(format!("no kill explains that {:?} is there twice", sent[at].text));
        }
    }
    let here = talk.conversation();
    verdict.problems.extend(problems.into_iter().map(|problem| format!("{here}: in Telegram: {problem}")));
}
