//! Joins files to albums.

use crate::{
    domain::{
        job::{Album, Call, Job, Method},
        keyboard::Keyboard,
    },
    translate::to_telegram::cards::POINTER,
};

/// The maximum of files of an album (Bot API, `sendMediaGroup`).
pub const MAX_FILES: usize = 10;

/// The jobs of answers that were sent at once, each given as its calls. Consecutive files become an album, and their
/// other calls follow it.
#[must_use]
pub fn unite(answers: Vec<Vec<Call>>) -> Vec<Job> {
    let (mut jobs, mut files, mut followers) = (Vec::new(), Vec::new(), Vec::new());
    let has_several_files = answers.iter().flatten().filter(|call| is_file(call)).count() > 1;
    for call in answers.into_iter().flat_map(|calls| if has_several_files { without_buttons(calls) } else { calls }) {
        // A separate text ends the album before it, and so does a file after a text or after a full album.
        let is_next = files.is_empty() || files.len() == MAX_FILES;
        let ends = if is_file(&call) { is_next } else { call.part == 1 };
        if ends {
            flush(&mut jobs, &mut files, &mut followers);
        }
        if is_file(&call) { files.push(call) } else { followers.push(call) }
    }
    flush(&mut jobs, &mut files, &mut followers);
    jobs
}

/// An album of files, or a single file.
#[must_use]
pub fn of_files(mut files: Vec<Call>) -> Option<Job> {
    if files.len() > 1 { Some(Album { calls: files }.into()) } else { files.pop().map(Job::from) }
}

fn flush(jobs: &mut Vec<Job>, files: &mut Vec<Call>, followers: &mut Vec<Call>) {
    jobs.extend(of_files(std::mem::take(files)));
    jobs.extend(followers.drain(..).map(Job::from));
}

const fn is_file(call: &Call) -> bool {
    matches!(call.method, Method::SendFile { .. })
}

/// The calls of an answer, with the buttons and the text of a file in a call of their own after it.
fn without_buttons(calls: Vec<Call>) -> Vec<Call> {
    let [only] = &calls[..] else { return calls };
    buttons_apart(only).map_or(calls, Vec::from)
}

/// A file without its caption, followed by the caption as a text, for when Telegram refuses the caption.
#[must_use]
pub fn apart(call: &Call) -> Option<[Call; 2]> {
    if caption(call).is_empty() { None } else { split(call) }
}

/// A file without its buttons and caption, followed by a text with both, which has room for the buttons as lines.
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

/// The caption as a text in place of the file, if the file cannot be sent; `None` if it has none.
#[must_use]
pub fn text_alone(call: &Call) -> Option<Call> {
    let Method::SendFile { caption, keyboard, reply_to, .. } = &call.method else { return None };
    let method = Method::SendText { text: caption.clone(), keyboard: keyboard.clone(), reply_to: *reply_to };
    (!caption.is_empty()).then(|| Call { method, ..call.clone() })
}

/// The caption of a call; empty for none.
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
