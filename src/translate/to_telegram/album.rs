//! Several files at once -> an album.

use crate::{
    domain::{
        keyboard::Keyboard,
        work::{Call, Method, Work},
    },
    translate::to_telegram::cards::POINTER,
};

/// The most files that Telegram takes together (Bot API, `sendMediaGroup`).
pub const LARGEST: usize = 10;

/// The works of answers that were given at once, each with its calls: files that follow each other go together, and what
/// is said besides comes after them.
#[must_use]
pub fn unite(answers: Vec<Vec<Call>>) -> Vec<Work> {
    let (mut works, mut files, mut after) = (Vec::new(), Vec::new(), Vec::new());
    let many = answers.iter().flatten().filter(|call| is_file(call)).count() > 1;
    for call in answers.into_iter().flat_map(|calls| if many { without_buttons(calls) } else { calls }) {
        // A text of its own ends what went before, and so does a file after one, or after an album that is full.
        let is_next = files.is_empty() || files.len() == LARGEST;
        let ends = if is_file(&call) { is_next } else { call.part == 1 };
        if ends {
            finish(&mut works, &mut files, &mut after);
        }
        if is_file(&call) { files.push(call) } else { after.push(call) }
    }
    finish(&mut works, &mut files, &mut after);
    works
}

/// Files that go together; one alone goes as itself.
#[must_use]
pub fn of_files(mut files: Vec<Call>) -> Option<Work> {
    if files.len() > 1 { Some(Work::Album { calls: files }) } else { files.pop().map(Work::Call) }
}

fn finish(works: &mut Vec<Work>, files: &mut Vec<Call>, after: &mut Vec<Call>) {
    works.extend(of_files(std::mem::take(files)));
    works.extend(after.drain(..).map(Work::Call));
}

const fn is_file(call: &Call) -> bool {
    matches!(call.method, Method::SendFile { .. })
}

/// The calls of an answer in which the buttons of the file, and the text with them, come after it.
fn without_buttons(mut calls: Vec<Call>) -> Vec<Call> {
    if let [only] = &mut calls[..]
        && let Method::SendFile { caption, keyboard, .. } = &mut only.method
        && !keyboard.is_empty()
    {
        let text = Some(std::mem::take(caption)).filter(|text| !text.is_empty());
        let method = Method::SendText {
            text: text.unwrap_or_else(|| POINTER.to_owned()),
            keyboard: std::mem::take(keyboard),
            reply_to: None,
        };
        only.parts = 2;
        let text = Call { part: 2, method, ..only.clone() };
        calls.push(text);
    }
    calls
}

/// The text of a file as a message of its own, after the file: for Telegram takes the file, but not the text below it.
#[must_use]
pub fn apart(call: &Call) -> Option<[Call; 2]> {
    let Method::SendFile { file, caption, keyboard, reply_to } = &call.method else { return None };
    if caption.is_empty() {
        return None;
    }
    let (parts, reply_to) = (call.parts + 1, *reply_to);
    let file = Method::SendFile { file: file.clone(), caption: String::new(), keyboard: Keyboard::default(), reply_to };
    let text = Method::SendText { text: caption.clone(), keyboard: keyboard.clone(), reply_to: None };
    let of = |part, method| Call { part, parts, method, ..call.clone() };
    Some([of(call.part, file), of(call.part + 1, text)])
}
