//! `telekommo help`: the help of a command, or a chapter of the manual.

use std::io;

use clap::Command;

use crate::{
    cli::{
        table::{COLUMNS, fit},
        terminal,
        usage::HELP,
    },
    config::nearest,
    docs::{CHAPTERS, Chapter},
};

mod markdown;

/// The topics, as they stand below the commands.
#[must_use]
pub fn topics() -> String {
    let wide = CHAPTERS.iter().map(|chapter| chapter.name.len()).max().unwrap_or_default();
    let line = |chapter: &Chapter| format!("  {:wide$}  {}", chapter.name, chapter.about);
    let lines: Vec<_> = CHAPTERS.iter().map(line).collect();
    format!("Topics of `telekommo help TOPIC`:\n{}", lines.join("\n"))
}

/// Prints what is asked for: the help of all, a chapter, or the help of a command, whose name may have several words.
/// `root` describes the whole command line.
///
/// # Errors
/// If there is no such topic or command: a sentence that names the nearest.
pub fn run(words: &[String], root: &Command) -> Result<(), String> {
    let columns = terminal::columns(io::stdout()).unwrap_or(COLUMNS);
    let names: Vec<_> = words.iter().map(String::as_str).filter(|word| !HELP.contains(word)).collect();
    let is_of_command = names.len() < words.len();
    let chapter = CHAPTERS.iter().find(|chapter| names == [chapter.name]);
    let text = match chapter.filter(|_| !is_of_command) {
        Some(chapter) => markdown::shown(chapter.text, columns) + &fit(&namesake(chapter.name, root), columns),
        None => fit(&help(&names, root)?, columns),
    };
    terminal::print(text);
    Ok(())
}

/// What a chapter says below its end, if a command has the same name.
fn namesake(name: &str, root: &Command) -> String {
    let is_command = root.find_subcommand(name).is_some();
    if is_command { format!("\n`telekommo {name} --help` explains the command of this name.\n") } else { String::new() }
}

/// The help of the command with this name, as `--help` prints it.
fn help(words: &[&str], root: &Command) -> Result<String, String> {
    let mut command = root;
    for (depth, word) in words.iter().enumerate() {
        let topics = if depth == 0 { CHAPTERS } else { &[] };
        let names = command.get_subcommands().map(Command::get_name).chain(topics.iter().map(|chapter| chapter.name));
        command = command.find_subcommand(word).ok_or_else(|| unknown(word, nearest(word, names)))?;
    }
    let line = [root.get_name()].into_iter().chain(words.iter().copied()).chain(["--help"]);
    Ok(root.clone().try_get_matches_from(line).err().map(|help| help.render().to_string()).unwrap_or_default())
}

fn unknown(word: &str, meant: Option<&str>) -> String {
    let more =
        meant.map_or_else(|| ". `telekommo help` lists both".to_owned(), |meant| format!(": did you mean {meant}?"));
    format!("there is no topic and no command {word:?}{more}")
}
