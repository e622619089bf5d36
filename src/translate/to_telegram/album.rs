//! Several files at once -> an album.

use crate::{
    domain::{
        job::{Album, Call, Job, Method},
        keyboard::Keyboard,
    },
    translate::to_telegram::cards::POINTER,
};

/// The most files that Telegram takes together (Bot API, `sendMediaGroup`).
pub const LARGEST: usize = 10;

/// The jobs of answers that were given at once, each with its calls: files that follow each other go together, and
/// what is said besides comes after them.
#[must_use]
pub fn unite(answers: Vec<Vec<Call>>) -> Vec<Job> {
    let (mut jobs, mut files, mut after) = (Vec::new(), Vec::new(), Vec::new());
    let many = answers.iter().flatten().filter(|call| is_file(call)).count() > 1;
    for call in answers.into_iter().flat_map(|calls| if many { without_buttons(calls) } else { calls }) {
        // A text of its own ends what went before, and so does a file after one, or after an album that is full.
        let is_next = files.is_empty() || files.len() == LARGEST;
        let ends = if is_file(&call) { is_next } else { call.part == 1 };
        if ends {
            finish(&mut jobs, &mut files, &mut after);
        }
        if is_file(&call) { files.push(call) } else { after.push(call) }
    }
    finish(&mut jobs, &mut files, &mut after);
    jobs
}

/// Files that go together; one alone goes as itself.
#[must_use]
pub fn of_files(mut files: Vec<Call>) -> Option<Job> {
    if files.len() > 1 { Some(Album { calls: files }.into()) } else { files.pop().map(Job::from) }
}

fn finish(jobs: &mut Vec<Job>, files: &mut Vec<Call>, after: &mut Vec<Call>) {
    jobs.extend(of_files(std::mem::take(files)));
    jobs.extend(after.drain(..).map(Job::from));
}

const fn is_file(call: &Call) -> bool {
    matches!(call.method, Method::SendFile { .. })
}

/// The calls of an answer in which the buttons of the file, and the text with them, come after it.
fn without_buttons(calls: Vec<Call>) -> Vec<Call> {
    let [only] = &calls[..] else { return calls };
    buttons_apart(only).map_or(calls, Vec::from)
}

/// The text of a file as a message of its own, after the file: for Telegram takes the file, but not the text below it.
#[must_use]
pub fn apart(call: &Call) -> Option<[Call; 2]> {
    if caption(call).is_empty() { None } else { split(call) }
}

/// The buttons of a file, and the text with them, as a message of their own, after the file: for there is room for the
/// buttons as lines.
#[must_use]
pub fn buttons_apart(call: &Call) -> Option<[Call; 2]> {
    match &call.method {
        Method::SendFile { keyboard, .. } if !keyboard.is_empty() => split(call),
        Method::SendFile { .. }
        | Method::SendText { .. }
        | Method::SendLocation { .. }
        | Method::SendContact { .. } => None,
    }
}

/// The text of a file in its place, where the file will not go; `None` if it has none.
#[must_use]
pub fn text_alone(call: &Call) -> Option<Call> {
    let Method::SendFile { caption, keyboard, reply_to, .. } = &call.method else { return None };
    let method = Method::SendText { text: caption.clone(), keyboard: keyboard.clone(), reply_to: *reply_to };
    (!caption.is_empty()).then(|| Call { method, ..call.clone() })
}

/// The text below the file of a call; empty for none.
#[must_use]
pub fn caption(call: &Call) -> &str {
    match &call.method {
        Method::SendFile { caption, .. } => caption,
        Method::SendText { .. } | Method::SendLocation { .. } | Method::SendContact { .. } => "",
    }
}

fn split(call: &Call) -> Option<[Call; 2]> {
    let Method::SendFile { file, caption, keyboard, reply_to } = &call.method else { return None };
    let (parts, reply_to) = (call.parts + 1, *reply_to);
    let text = if caption.is_empty() { POINTER } else { caption };
    let file = Method::SendFile { file: file.clone(), caption: String::new(), keyboard: Keyboard::default(), reply_to };
    let text = Method::SendText { text: text.to_owned(), keyboard: keyboard.clone(), reply_to: None };
    let of = |part, method| Call { part, parts, method, ..call.clone() };
    Some([of(call.part, file), of(call.part + 1, text)])
}
