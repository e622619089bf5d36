//! What other programs read about the command line: completions for shells, and manual pages.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

/// What `telekommo completions --help` says.
pub const COMPLETIONS: &str = "Print a script that completes commands and options in a shell.

  bash: telekommo completions bash > ~/.local/share/bash-completion/completions/telekommo
  zsh:  telekommo completions zsh > \"${fpath[1]}/_telekommo\"
  fish: telekommo completions fish > ~/.config/fish/completions/telekommo.fish";

/// Exit codes, and what each means.
const EXITS: [(&str, &str); 3] = [
    ("0", "The command did what it was asked to do."),
    ("1", "It did not, and says why on stderr. A bridge that ends so is started again by systemd."),
    ("2", "The command line or the configuration is wrong."),
];

/// Files, and what each is.
const FILES: [(&str, &str); 4] = [
    ("./config.toml", "The configuration, unless --config names another file."),
    ("/etc/telekommo/config.toml", "The configuration, if there is no config.toml in the working directory."),
    ("/var/lib/telekommo", "The data directory of the service: the store, its dumps, imported files."),
    ("/usr/share/doc/telekommo/examples", "The example of a configuration, with every key explained."),
];

/// The script for a shell.
pub fn completions(shell: Shell, root: &mut Command) -> String {
    let (name, mut script) = (root.get_name().to_owned(), Vec::new());
    clap_complete::generate(shell, root, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes a page for each command into a folder, which is made if need be, and returns their number.
///
/// # Errors
/// If the folder or a page cannot be written.
pub fn manual_pages(root: Command, dir: &Path) -> anyhow::Result<usize> {
    fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let mut root = root.disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    collect(&root, &mut pages);
    for command in &pages {
        let is_root = command.get_name() == root.get_name();
        let (path, page) = page(command, is_root, dir)?;
        fs::write(&path, page).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(pages.len())
}

fn collect(command: &Command, pages: &mut Vec<Command>) {
    pages.push(command.clone());
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        collect(command, pages);
    }
}

/// Where the page of a command is, and the page. That of the whole program says what all commands have in common.
fn page(command: &Command, is_root: bool, dir: &Path) -> io::Result<(PathBuf, Vec<u8>)> {
    // Pages come without a date, which would change with every build: the version stands in its place.
    let version = concat!("telekommo ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).date(version).source("telekommo").manual("telekommo manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    common(is_root).to_writer(&mut page)?;
    Ok((dir.join(man.get_filename()), page))
}

fn common(is_root: bool) -> Roff {
    let mut roff = Roff::new();
    let mut listed = |heading: &str, items: &[(&str, &str)]| {
        roff.control("SH", [heading]);
        for (item, meaning) in items {
            roff.control("TP", []).text([bold(*item)]).text([roman(*meaning)]);
        }
    };
    if is_root {
        listed("EXIT STATUS", &EXITS);
        listed("FILES", &FILES);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman("The manual is part of the program: "), bold("telekommo help"), roman(" lists its chapters.")]);
    roff
}
