//! `telekommo help`: the manual at a terminal.

use telekommo::docs::CHAPTERS;

use super::{
    process::{finished, telekommo, text},
    terminal::shown,
};

#[tokio::test]
async fn help_lists_the_topics_and_the_commands() {
    let output = finished(telekommo(&["help"])).await;
    let help = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert_eq!(help, text(&finished(telekommo(&["--help"])).await.stdout));
    assert!(CHAPTERS.len() >= 9, "only {} chapters are left", CHAPTERS.len());
    for chapter in CHAPTERS {
        assert!(help.contains(&format!("\n  {}  ", chapter.name)), "{} is not listed:\n{help}", chapter.name);
    }
    assert!(help.contains("\n  run  "), "{help}");
}

#[tokio::test]
async fn every_chapter_fits_a_terminal_and_says_all_its_words() {
    for chapter in CHAPTERS {
        let output = finished(telekommo(&["help", chapter.name])).await;
        let said = text(&output.stdout);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{}", chapter.name);
        let wide: Vec<_> = said.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.iter().all(|line| line.contains("http")), "{} is too wide: {wide:#?}", chapter.name);
        let missing: Vec<_> = words(chapter.text).filter(|word| !words(said).any(|other| other == *word)).collect();
        assert!(missing.is_empty(), "{} leaves out {missing:?}", chapter.name);
    }
}

/// The words of a text, without the marks of Markdown around them. What a terminal shows in another way is left out:
/// where links lead, and the heads of tables.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_head = |line: &&str| text.contains(&format!("\n{line}\n|---"));
    let is_shown = move |line: &&str| {
        let is_link = line.starts_with('[') && line.contains("]: ");
        !is_link && !line.trim_start().starts_with("```") && !is_head(line)
    };
    let words = text.lines().filter(is_shown).flat_map(str::split_whitespace);
    let words = words.filter(|word| !["](", "]["].iter().any(|link| word.contains(link)));
    words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).filter(|word| !word.is_empty())
}

#[tokio::test]
async fn a_chapter_is_broken_at_the_width_of_the_terminal() {
    for columns in [40, 60] {
        let said = shown(&["help", "templates"], columns).await;
        let prose: Vec<_> = said.lines().filter(|line| !line.starts_with("    ")).collect();
        assert!(prose.len() > 10, "{said}");
        assert!(prose.iter().all(|line| line.chars().count() <= columns.into()), "{columns}:\n{said}");
        assert!(said.contains("    id = \"hello\"                  # never change it\n"), "code is broken:\n{said}");
    }
}

#[tokio::test]
async fn help_explains_commands_too() {
    for (words, usage) in [
        (&["help", "check"][..], "Usage: telekommo check"),
        (&["help", "chats", "show"], "Usage: telekommo chats show"),
        (&["help", "history", "--help"], "Usage: telekommo history"),
        (&["help", "help"], "Usage: telekommo [OPTIONS] <COMMAND>"),
        (&["chats", "help", "show"], "Usage: telekommo chats show"),
    ] {
        let output = finished(telekommo(words)).await;
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(text(&output.stdout).contains(usage), "{words:?}: {}", text(&output.stdout));
    }
    let said = finished(telekommo(&["help", "history"])).await;
    assert!(text(&said.stdout).ends_with("`telekommo history --help` explains the command of this name.\n"));
}

#[tokio::test]
async fn an_unknown_topic_names_the_nearest() {
    for (words, says) in [
        (&["help", "costumers"][..], "did you mean customers?"),
        (&["help", "chekc"], "did you mean check?"),
        (&["help", "chats", "shwo"], "did you mean show?"),
        (&["help", "weather"], "`telekommo help` lists both"),
    ] {
        let output = finished(telekommo(words)).await;
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{words:?}");
        let said = text(&output.stderr);
        assert!(said.starts_with("telekommo: there is no topic and no command ") && said.contains(says), "{said}");
    }
}
