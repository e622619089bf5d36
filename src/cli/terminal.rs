//! A person at a terminal: what they are asked and told. Both go to stderr, so that stdout holds the result alone.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    os::fd::AsFd,
    panic, process,
};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};

use crate::{
    cli::table::{self, COLUMNS, fit},
    files::text,
};

/// How a shell reports what a broken pipe has ended: 128 and the number of SIGPIPE.
const UNREAD: i32 = 141;

/// Lets a command end quietly when nobody reads its output any more, as in `telekommo check | head -1` or after its
/// terminal was closed. Rust ignores SIGPIPE, and its `print!` panics instead.
pub fn end_quietly_when_unread() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or_default();
        let is_unread = ["Broken pipe", "Input/output error"].iter().any(|reason| said.contains(reason));
        if said.starts_with("failed printing to") && is_unread {
            process::exit(UNREAD);
        }
        others(info);
    }));
}

/// How wide text for a stream may be, if that is a terminal: not above [`COLUMNS`], at which people read best.
pub(super) fn columns(stream: impl AsFd) -> Option<usize> {
    width(stream).map(|width| width.min(COLUMNS))
}

/// How wide a terminal is, if the stream is one.
fn width(stream: impl AsFd) -> Option<usize> {
    let size = tcgetwinsize(stream).ok()?;
    // A terminal that does not know its size says 0.
    Some(if size.ws_col == 0 { COLUMNS } else { size.ws_col.into() })
}

/// How wide text on stdout may be.
pub(super) fn text_columns() -> usize {
    columns(io::stdout()).unwrap_or(COLUMNS)
}

/// Prints text on stdout: in lines that fit a terminal, and as it is for everything else.
pub fn say(text: &str) {
    print!("{}", columns(io::stdout()).map_or_else(|| text.to_owned(), |columns| fit(text, columns)));
}

/// Rows with their columns below each other, as wide as the terminal on stdout; whole for everything else.
pub(super) fn table<R: AsRef<[String]>>(rows: &[R], elastic: usize) -> String {
    table::table(rows, elastic, table_columns())
}

/// How wide a table on stdout may be; `None` if a program reads it.
pub(super) fn table_columns() -> Option<usize> {
    width(io::stdout())
}

/// A word in front, and what there is to say about it, in lines that fit the terminal on stdout.
pub(super) fn paragraph(label: &str, text: &str) -> String {
    table::paragraph(label, text, text_columns())
}

/// Says on stderr why a command did not do what was asked: in lines that fit a terminal, and as it is for everything
/// else.
pub fn complain(why: &str) {
    let text = format!("telekommo: {why}");
    eprintln!("{}", columns(io::stderr()).map_or_else(|| text.clone(), |columns| fit(&text, columns)));
}

/// Whether somebody sits there.
pub(super) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// One line, without the blanks around it; `default` if it is empty.
///
/// # Errors
/// If the input ends.
pub(super) fn line(question: &str, default: Option<&str>) -> io::Result<String> {
    let hint = match default {
        Some("") => " (Enter: none)".to_owned(),
        Some(default) => format!(" [{default}]"),
        None => String::new(),
    };
    eprint!("{question}{hint}: ");
    io::stderr().flush()?;
    let answer = read()?;
    Ok(if answer.is_empty() { default.unwrap_or_default().to_owned() } else { answer })
}

/// One line that is not shown while it is typed. Without a terminal it is the first line of the input.
///
/// # Errors
/// If the input ends, or the terminal cannot be told to show nothing.
pub(super) fn secret(question: &str) -> io::Result<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return read();
    }
    eprint!("{question} (it is not shown): ");
    io::stderr().flush()?;
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let answer = read();
    tcsetattr(&stdin, OptionalActions::Flush, &shown)?;
    eprintln!();
    answer
}

fn read() -> io::Result<String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let in_utf_8 = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => io::Error::new(error.kind(), "the input is not UTF-8: save it as UTF-8"),
        // More kinds come with the library, and say what they are.
        _ => error,
    };
    if read.map_err(in_utf_8)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the input ended before the answer"));
    }
    // What is piped in may come from a file that an editor has marked.
    Ok(text::unmarked(&line).trim().to_owned())
}
