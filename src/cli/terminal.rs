//! A person at a terminal: what they are asked and told. Both go to stderr, so that stdout holds the result alone.
//! Secrets are asked for at the terminal itself.

use std::{
    fmt,
    io::{self, BufRead as _, IsTerminal as _},
    os::fd::AsFd,
    process,
};

use rustix::{io::Errno, termios::tcgetwinsize};

use crate::{
    cli::table::{self, COLUMNS, fit},
    files::text,
};

/// How a shell reports what a broken pipe has ended: 128 and the number of SIGPIPE.
const UNREAD: i32 = 141;

/// Prints a text on stdout. If nobody reads it any more, as in `telekommo check | head -1` or after the terminal was
/// closed, the command ends quietly. `print!` would panic instead, because Rust ignores SIGPIPE; so must this program,
/// because a broken connection is no reason to end.
pub fn print(text: impl fmt::Display) {
    if let Err(error) = write_to(io::stdout().lock(), &text) {
        end_if_unread(&error);
        complain(&format!("the output cannot be written: {error}"));
        process::exit(1);
    }
}

/// Prints a text on stderr, for the person at the terminal alone. What cannot be told there is not told.
pub fn eprint(text: impl fmt::Display) {
    if let Err(error) = write_to(io::stderr().lock(), &text) {
        end_if_unread(&error);
    }
}

fn write_to(mut stream: impl io::Write, text: &dyn fmt::Display) -> io::Result<()> {
    write!(stream, "{text}")?;
    stream.flush()
}

fn end_if_unread(error: &io::Error) {
    // A terminal that is gone answers with EIO.
    if error.kind() == io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(Errno::IO.raw_os_error()) {
        process::exit(UNREAD);
    }
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
    print(columns(io::stdout()).map_or_else(|| text.to_owned(), |columns| fit(text, columns)));
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
    eprint(columns(io::stderr()).map_or_else(|| text.clone(), |columns| fit(&text, columns)) + "\n");
}

/// Says on stderr what there is to know or to do, in lines that fit: stdout has the result alone.
pub(super) fn tell(text: &str) {
    eprint(format_args!("{}\n", fit(text, asked_columns())));
}

/// How wide text on stderr may be, where the questions are.
pub(super) fn asked_columns() -> usize {
    columns(io::stderr()).unwrap_or(COLUMNS)
}

/// Whether somebody sits there.
pub(super) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// One line, without the blanks around it; `default` if it is empty.
pub(super) fn line(question: &str, default: Option<&str>) -> io::Result<String> {
    let hint = match default {
        Some("") => " (Enter: none)".to_owned(),
        Some(default) => format!(" [{default}]"),
        None => String::new(),
    };
    eprint(format_args!("{question}{hint}: "));
    let answer = read()?;
    Ok(if answer.is_empty() { default.unwrap_or_default().to_owned() } else { answer })
}

/// One line that is not shown while it is typed. Without a terminal it is the first line of the input.
///
/// # Errors
/// If the input ends, or the terminal cannot be told to show nothing.
pub(super) fn secret(question: &str) -> io::Result<String> {
    if !io::stdin().is_terminal() {
        return read();
    }
    Ok(rpassword::prompt_password(format!("{question} (it is not shown): "))?.trim().to_owned())
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
    Ok(text::without_bom(&line).trim().to_owned())
}
