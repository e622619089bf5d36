//! Salesbot asks with buttons, and customers press them.

use telekommo::sandbox::{kommo::Draft, telegram::ChatMessage};

use super::{Item, Part};

/// How often there are buttons, and how often somebody looks for some, in milliseconds.
const PACE_MS: std::ops::Range<u64> = 800..2500;

const LABELS: [&str; 2] = ["yes", "no"];

/// Whether these words are what a press says.
pub(crate) fn is_press(words: &str) -> bool {
    words.split_once(": ").is_some_and(|(_, words)| LABELS.iter().any(|label| words.starts_with(&format!("{label} "))))
}

/// Salesbot asks.
pub(super) async fn offer(mut part: Part) {
    let mut ticks = part.pace(PACE_MS);
    while part.turn(&mut ticks).await {
        if !part.talk.is_known(&part.kommo) {
            continue;
        }
        let (tag, number) = (part.talk.tag(), part.note(|said| said.answers.len()));
        let text = format!("{tag} answer {number} with buttons");
        let buttons = LABELS.map(|word| format!("{tag} {word} {number}"));
        let draft = Draft::text(&text).buttons(&[&[&buttons[0]], &[&buttons[1]]]);
        part.say(Item::text(text), None, draft, buttons.to_vec()).await;
    }
}

/// The customer presses a button below the newest question that has some, once or twice.
pub(super) async fn press(mut part: Part) {
    let mut ticks = part.pace(PACE_MS);
    while part.turn(&mut ticks).await {
        let (row, is_double) = (part.chance.usize(..2), part.chance.bool());
        let (talk, telegram) = (part.talk, &part.telegram);
        part.note(|said| {
            let newest = |all: &[ChatMessage]| {
                all.iter().rfind(|message| message.from_bot && !message.keyboard.is_empty()).cloned()
            };
            let Some(message) = talk.in_telegram(telegram, newest) else { return };
            let asked = said.answers.iter_mut().find(|answer| answer.shows.words == message.text);
            // A question whose hook is still under way is not in the book yet.
            let Some(asked) = asked.filter(|answer| !answer.is_pressed) else { return };
            asked.is_pressed = true;
            let label = asked.buttons[row].clone();
            let press =
                || telegram.press_if_there(talk.line().token, talk.room, talk.who, message.message_id, (row, 0));
            if press().is_some() {
                said.write(Item::text(label));
                // In a group anybody may press, so there each press is a message.
                if is_double && !talk.is_group() {
                    // The keyboard may have gone between the two.
                    let _second = press();
                }
            }
        });
    }
}
