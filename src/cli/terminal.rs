//! Output and prompts. Prompts and messages go to stderr, so that stdout has the result alone. Secrets are read from
//! the terminal itself.

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

/// The exit code after a broken pipe, as in a shell: 128 and the number of SIGPIPE.
const BROKEN_PIPE: i32 = 141;

/// Prints a text on stdout. If nobody reads it any more, as in `telekommo check | head -1` or after the terminal was
/// closed, the command ends quietly. `print!` would panic instead, because Rust ignores SIGPIPE; so must this program,
/// because a broken connection is no reason to end.
pub fn print(text: impl fmt::Display) {
    if let Err(error) = write_to(io::stdout().lock(), &text) {
        exit_if_closed(&error);
        complain(&format!("the output cannot be written: {error}"));
        process::exit(1);
    }
}

/// Prints a text on stderr, for a person. Other errors of writing are ignored.
pub fn eprint(text: impl fmt::Display) {
    if let Err(error) = write_to(io::stderr().lock(), &text) {
        exit_if_closed(&error);
    }
}

fn write_to(mut stream: impl io::Write, text: &dyn fmt::Display) -> io::Result<()> {
    write!(stream, "{text}")?;
    stream.flush()
}

fn exit_if_closed(error: &io::Error) {
    // A closed terminal returns EIO.
    if error.kind() == io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(Errno::IO.raw_os_error()) {
        process::exit(BROKEN_PIPE);
    }
}

/// The width of text for a stream, if that is a terminal: at most [`COLUMNS`], which people read best.
pub(super) fn columns(stream: impl AsFd) -> Option<usize> {
    width(stream).map(|width| width.min(COLUMNS))
}

/// The width of a terminal, if the stream is one.
fn width(stream: impl AsFd) -> Option<usize> {
    let size = tcgetwinsize(stream).ok()?;
    // A terminal of unknown size reports 0.
    Some(if size.ws_col == 0 { COLUMNS } else { size.ws_col.into() })
}

/// The width of text on stdout.
pub(super) fn text_columns() -> usize {
    columns(io::stdout()).unwrap_or(COLUMNS)
}

/// Prints text on stdout: wrapped for a terminal, unchanged otherwise.
pub fn say(text: &str) {
    print(columns(io::stdout()).map_or_else(|| text.to_owned(), |columns| fit(text, columns)));
}

/// A table as wide as the terminal on stdout; uncut otherwise.
pub(super) fn table<R: AsRef<[String]>>(rows: &[R], elastic: usize) -> String {
    table::table(rows, elastic, table_columns())
}

/// The width of a table on stdout; `None` if a program reads it.
pub(super) fn table_columns() -> Option<usize> {
    width(io::stdout())
}

/// A labelled text, wrapped for the terminal on stdout.
pub(super) fn paragraph(label: &str, text: &str) -> String {
    table::paragraph(label, text, text_columns())
}

/// Prints on stderr why a command failed: wrapped for a terminal, unchanged otherwise.
pub fn complain(why: &str) {
    let text = format!("telekommo: {why}");
    eprint(columns(io::stderr()).map_or_else(|| text.clone(), |columns| fit(&text, columns)) + "\n");
}

/// Prints a message on stderr, wrapped: stdout has the result alone.
pub(super) fn note(text: &str) {
    eprint(format_args!("{}\n", fit(text, prompt_columns())));
}

/// The width of text on stderr, where prompts are.
pub(super) fn prompt_columns() -> usize {
    columns(io::stderr()).unwrap_or(COLUMNS)
}

/// Whether the command is interactive.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Prompts for one line, trimmed; `default` if it is empty.
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

/// Prompts for one line without echo. Without a terminal it is the first line of the input.
///
/// # Errors
/// If the input ends, or echo cannot be turned off.
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
        // Other kinds describe themselves.
        _ => error,
    };
    if read.map_err(in_utf_8)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the input ended before the answer"));
    }
    // Piped input may come from a file with a byte order mark.
    Ok(text::without_bom(&line).trim().to_owned())
}
