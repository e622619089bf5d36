//! Files and albums, of both sides.

use axum::body::Bytes;
use telekommo::sandbox::{
    kommo::{Attachment, Draft, Pace},
    telegram::NewFile,
};

use super::{
    Answer, Item, Part,
    samples::{self, Kind},
};

/// How often files are sent, in milliseconds.
const PACE_MS: std::ops::Range<u64> = 800..3000;
/// How long files are, in bytes. One of a few is as long as several pieces of a body.
const SHORT: std::ops::Range<usize> = 400..3000;
const LONG: std::ops::Range<usize> = 100_000..300_000;
const LONG_EVERY: u8 = 12;

/// Which files belong together.
fn kinds(chance: &mut fastrand::Rng, alone: &[Kind]) -> Vec<Kind> {
    let count = chance.usize(2..5);
    let mixed = |chance: &mut fastrand::Rng| if chance.bool() { Kind::Photo } else { Kind::Video };
    match chance.u8(0..4) {
        0 => (0..count).map(|_| mixed(chance)).collect(),
        1 => vec![Kind::Document; count],
        2.. => vec![alone[chance.usize(..alone.len())]],
    }
}

/// The name and the bytes of a file.
fn sample(chance: &mut fastrand::Rng, kind: Kind, whose: &str) -> (String, Bytes) {
    let length = if chance.u8(..LONG_EVERY) == 0 { chance.usize(LONG) } else { chance.usize(SHORT) };
    let name = format!("{whose} {kind:?} {length}");
    let bytes = samples::bytes(kind, &name, length);
    (name, bytes)
}

/// Whether words can stand below it.
const fn has_caption(kind: Kind) -> bool {
    !matches!(kind, Kind::VideoNote)
}

/// A customer sends files, one or an album, with words or without.
pub(super) async fn send(mut part: Part) {
    let mut ticks = part.pace(PACE_MS);
    while part.turn(&mut ticks).await {
        let kinds = kinds(&mut part.chance, &Kind::ALL);
        let has_words = part.chance.bool() && has_caption(kinds[0]);
        let first = part.note(|said| said.written.len());
        let (tag, chance) = (part.talk.tag(), &mut part.chance);
        let files: Vec<_> = kinds
            .into_iter()
            .enumerate()
            .map(|(n, kind)| {
                let (name, bytes) = sample(chance, kind, &format!("{tag} file {first}.{n}"));
                let words = (has_words && n == 0).then(|| format!("{tag} look at file {first}.{n}"));
                let shows = Item { words: words.clone().unwrap_or_default(), file: Some(name) };
                (shows, NewFile { kind: kind.in_telegram(), bytes, name: Some("a file".to_owned()), caption: words })
            })
            .collect();
        let (shown, files): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        part.note(|said| {
            part.talk.send(&part.telegram, &files);
            for shows in shown {
                said.write(shows);
            }
        });
    }
}

/// A manager sends files, one or several at once, with words or without.
pub(super) async fn attach(mut part: Part) {
    const ALONE: [Kind; 5] = [Kind::Photo, Kind::Video, Kind::Voice, Kind::Audio, Kind::Document];
    let mut ticks = part.pace(PACE_MS);
    while part.turn(&mut ticks).await {
        if !part.talk.is_known(&part.kommo) {
            continue;
        }
        let kinds = kinds(&mut part.chance, &ALONE);
        let has_words = part.chance.bool();
        let pace = if part.chance.bool() { Pace::InTurn } else { Pace::AtOnce };
        let (tag, chance) = (part.talk.tag(), &mut part.chance);
        let number = part.book.note(&part.talk, |said| said.answers.len());
        let drafts: Vec<_> = kinds
            .into_iter()
            .enumerate()
            .map(|(n, kind)| {
                let (name, bytes) = sample(chance, kind, &format!("{tag} answer {number}.{n} by file"));
                let words = if has_words && n == 0 { format!("{tag} see answer {number}.{n}") } else { String::new() };
                let draft = Draft::file(Attachment::new(kind.in_kommo(), "attachment", bytes)).saying(&words);
                (Item { words, file: Some(name) }, draft)
            })
            .collect();
        part.attach(drafts, pace).await;
    }
}

impl Part {
    async fn attach(&self, drafts: Vec<(Item, Draft)>, pace: Pace) {
        let (shown, mut drafts): (Vec<_>, Vec<_>) = drafts.into_iter().unzip();
        if drafts.len() == 1
            && let (Some(draft), Some(shows)) = (drafts.pop(), shown.first().cloned())
        {
            return self.say(shows, None, draft, Vec::new()).await;
        }
        let _turn = self.desk().await;
        let told = self.kommo.say_together(&self.talk.conversation(), "Maria", drafts, pace).await;
        self.note(|said| {
            let first = said.answers.len();
            said.answers.extend(told.into_iter().zip(shown).zip(first..).map(|(((id, _), shows), number)| Answer {
                id,
                shows,
                place: if pace == Pace::InTurn { number } else { first },
                quotes: None,
                buttons: Vec::new(),
                is_pressed: false,
                is_accepted: false,
            }));
        });
    }
}
