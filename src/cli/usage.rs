//! Help and errors of the command line.

use std::{env, ffi::OsString, io, process::ExitCode};

use clap::{Command, Error, error::ContextKind};

use crate::cli::{
    table::{COLUMNS, fit},
    terminal,
};

/// The prefix of clap's errors.
const HEAD: &str = "error: ";
/// The suffix of clap's errors.
const END: &str = "For more information, try '--help'.";

/// The command and options for help.
pub(super) const HELP: [&str; 3] = ["help", "--help", "-h"];

/// Reads the arguments. `help` behind a command is the help of what it names: `chats help show` is `chats show --help`.
///
/// # Errors
/// Those of `parse`.
pub fn read<T>(
    parse: impl Fn(Vec<OsString>) -> Result<T, Error>,
    words: impl IntoIterator<Item = OsString>,
) -> Result<T, Error> {
    let words: Vec<_> = words.into_iter().collect();
    parse(words.clone()).or_else(|error| {
        let unknown = error.get(ContextKind::InvalidSubcommand).map(ToString::to_string);
        if unknown.as_deref() == Some(HELP[0]) {
            let is_help = |word: &OsString| HELP.iter().any(|help| word == help);
            let named = words.into_iter().filter(|word| !is_help(word));
            return parse(named.chain([HELP[1].into()]).collect());
        }
        Err(error)
    })
}

/// Prints the requested help or the error about the arguments, and returns the exit code. `root` describes the whole
/// command line.
#[must_use]
pub fn explain(error: &Error, mut root: Command) -> ExitCode {
    let text = error.render().to_string();
    if !error.use_stderr() {
        terminal::print(fit(&text, terminal::columns(io::stdout()).unwrap_or(COLUMNS)));
    } else if let Some(wrong) = text.strip_prefix(HEAD) {
        terminal::complain(specific(wrong, &mut root, env::args().skip(1)).trim_end());
    } else {
        // The help in place of a missing command.
        terminal::eprint(fit(&text, terminal::columns(io::stderr()).unwrap_or(COLUMNS)));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// clap's error, with the help of each missing argument and the command for more help.
fn specific(wrong: &str, root: &mut Command, words: impl Iterator<Item = String>) -> String {
    // Needed for the display of arguments.
    root.build();
    let (mut command, mut path) = (&*root, root.get_name().to_owned());
    for word in words {
        if let Some(found) = command.find_subcommand(&word) {
            path = format!("{path} {word}");
            command = found;
        }
    }
    let described = |line: &str| {
        let about = command.get_arguments().find(|argument| line == format!("  {argument}"))?.get_help()?.to_string();
        Some(format!("{line}  {about}\n"))
    };
    let lines = wrong.lines().map(|line| described(line).unwrap_or_else(|| format!("{line}\n")));
    lines.collect::<String>().replace(END, &format!("For more: {path} --help"))
}

#[cfg(test)]
mod tests {
    use clap::{Arg, error::ErrorKind};

    use super::*;

    #[test]
    fn help_behind_a_command_is_the_help_of_what_it_names() {
        let asked = |words: &[&str]| {
            let show = Command::new("chats").subcommand(Command::new("show"));
            let root = Command::new("telekommo").disable_help_subcommand(true).subcommand(show);
            let parse = |words: Vec<OsString>| root.clone().try_get_matches_from(words);
            let error = read(parse, words.iter().map(OsString::from)).unwrap_err();
            (error.kind(), error.render().to_string())
        };
        for (words, says) in [
            (&["telekommo", "chats", "help"][..], "Usage: telekommo chats [COMMAND]"),
            (&["telekommo", "chats", "help", "--help"], "Usage: telekommo chats [COMMAND]"),
            (&["telekommo", "chats", "help", "show"], "Usage: telekommo chats show"),
            (&["telekommo", "chats", "help", "show", "-h"], "Usage: telekommo chats show"),
        ] {
            let (kind, help) = asked(words);
            assert!(kind == ErrorKind::DisplayHelp && help.contains(says), "{words:?}: {kind:?} {help}");
        }
        assert_eq!(asked(&["telekommo", "shats"]).0, ErrorKind::InvalidSubcommand);
        assert_eq!(asked(&["telekommo", "chats", "help", "shwo"]).0, ErrorKind::InvalidSubcommand);
    }

    #[test]
    fn a_missing_argument_is_explained_and_the_command_named() {
        let show = Command::new("show").arg(Arg::new("CHAT").required(true).help("Its id in the list"));
        let mut root = Command::new("telekommo").subcommand(Command::new("chats").subcommand(show));
        let words = ["telekommo", "chats", "show"];
        let error = root.clone().try_get_matches_from(words).unwrap_err().render().to_string();
        let output = specific(&error, &mut root, words.into_iter().skip(1).map(str::to_owned));
        assert!(output.contains("  <CHAT>  Its id in the list\n"), "{output}");
        assert!(output.contains("\nFor more: telekommo chats show --help\n"), "{output}");
    }
}
