//! `telekommo completions` and `telekommo man`.

use std::{collections::BTreeSet, fs, io::Write as _, process::Stdio};

use tempfile::TempDir;

use super::process::{finished, telekommo, text};

#[tokio::test]
async fn every_shell_gets_completions_of_commands_and_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = finished(telekommo(&["completions", shell])).await;
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{shell}");
        for word in ["parked", "reconcile", "older-than", "hooks-to"] {
            assert!(text(&output.stdout).contains(word), "{shell} is not told of {word}");
        }
    }
    let output = finished(telekommo(&["completions", "cmd"])).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("bash"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn bash_takes_its_completions() {
    let script = finished(telekommo(&["completions", "bash"])).await.stdout;
    let ask =
        "\nCOMP_WORDS=(telekommo parked li) COMP_CWORD=2\n_telekommo telekommo li parked\necho \"${COMPREPLY[@]}\"\n";
    let mut command = std::process::Command::new("bash");
    let Ok(mut bash) = command.args(["--norc", "-s"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        return;
    };
    bash.stdin.take().unwrap().write_all(&[script.as_slice(), ask.as_bytes()].concat()).unwrap();
    assert_eq!(text(&bash.wait_with_output().unwrap().stdout), "list\n");
}

#[tokio::test]
async fn every_command_has_a_manual_page_with_its_options() {
    let folder = TempDir::new().unwrap();
    let pages = folder.path().join("man/man1");
    let output = finished(telekommo(&["man", pages.to_str().unwrap()])).await;
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let names: BTreeSet<_> =
        fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let told = text(&output.stdout);
    assert!(told.starts_with(&format!("{} manual pages are in ", names.len())), "{told}");
    for name in ["telekommo.1", "telekommo-run.1", "telekommo-parked.1", "telekommo-parked-list.1"] {
        assert!(names.contains(name), "{name} is missing in {names:?}");
    }
    for name in names {
        let page = fs::read_to_string(pages.join(&name)).unwrap().replace("\\-", "-");
        let words: Vec<_> = name.trim_end_matches(".1").split('-').skip(1).collect();
        let help = finished(telekommo(&[&words[..], &["--help"]].concat())).await;
        let options = text(&help.stdout).lines().filter_map(|line| line.trim_start().strip_prefix("--"));
        for option in options.filter_map(|line| line.split([' ', '\n']).next()) {
            assert!(page.contains(&format!("--{option}")), "{name} lacks --{option}:\n{page}");
        }
        assert!(page.contains(".SH \"SEE ALSO\"") && page.contains("telekommo 0."), "{name}:\n{page}");
        assert_eq!(page.contains("EXIT STATUS"), name == "telekommo.1", "{name}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = finished(telekommo(&["man", file.join("man").to_str().unwrap()])).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot be made: Not a directory"), "{}", text(&output.stderr));
}
