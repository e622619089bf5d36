//! `telekommo templates`: a file and the account in sync.

use std::fs;

use serde_json::json;
use telekommo::{
    domain::time::UnixMillis,
    sandbox::{
        harness::Harness,
        kommo::{Rate, Subject},
    },
};

use super::process::{finished, telekommo, text};

const ACCOUNT: &str = r#"
kommo.account_url = "{account_url}"
kommo.access_token = "{access_token}"
"#;
const FILE: &str = r#"
[[template]]
id = "hello"
name = "Greeting"
content = "Hello, {{contact.name}}!"
editable = true
buttons = ["Yes", "No"]

[[template]]
id = "price"
name = "Prices"
content = "Here they are:"
buttons = [{ text = "Open", url = "https://example.com/prices" }]
"#;

/// How `telekommo templates …` ended, what it printed, and what it complained of. `{file}` holds `content`.
async fn templates(stage: &Harness, words: &[&str], content: &str) -> (Option<i32>, String, String) {
    let (config, file) = (stage.write_config().unwrap(), stage.dir().join("templates.toml"));
    fs::write(&file, content).unwrap();
    stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    let file = file.to_str().unwrap();
    let words: Vec<_> = words.iter().map(|word| if *word == "{file}" { file } else { *word }).collect();
    let words = [&["templates"], &words[..], &["--config", config.to_str().unwrap()]].concat();
    let output = finished(telekommo(&words)).await;
    let (printed, complaint) = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
    assert!(!complaint.contains(&stage.kommo.access_token()), "{complaint}");
    (output.status.code(), printed, complaint)
}

/// The same for one that has to succeed; gives what it printed.
async fn done(stage: &Harness, words: &[&str], content: &str) -> String {
    let (code, printed, complaint) = templates(stage, words, content).await;
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{words:?}: {printed}");
    printed
}

#[tokio::test]
async fn a_file_may_begin_with_a_mark_and_utf_16_is_called_so() {
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    let dry = ["push", "{file}", "--dry-run"];
    let printed = done(&stage, &dry, &format!("\u{feff}{}", FILE.trim_start())).await;
    assert_eq!(printed, "hello: would be created in Kommo\nprice: would be created in Kommo\n");
    let wide: String = FILE.trim_start().chars().flat_map(|letter| [letter, '\0']).collect();
    let (code, _, complaint) = templates(&stage, &dry, &wide).await;
    assert!(code == Some(1) && complaint.contains("(it is saved as UTF-16): save it as UTF-8"), "{complaint}");
}

#[tokio::test]
async fn a_file_is_pushed_changed_and_taken_back() {
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    let printed = done(&stage, &["push", "{file}", "--dry-run"], FILE).await;
    assert_eq!(printed, "hello: would be created in Kommo\nprice: would be created in Kommo\n");
    assert!(stage.kommo.templates().is_empty());
    done(&stage, &["push", "{file}"], FILE).await;
    let content = &stage.kommo.templates()[1].content;
    assert_eq!(content["buttons"], json!([{"type": "url", "text": "Open", "url": "https://example.com/prices"}]));
    let changed = FILE.replace("Here they are:", "New ones:").replace("id = \"hello\"", "id = \"hi\"");
    let printed = done(&stage, &["push", "{file}"], &changed).await;
    assert_eq!(
        printed,
        "hi: created in Kommo\nprice: changed in Kommo (content)\nhello: in Kommo, but not in the file; left as it is\n"
    );
    let printed = done(&stage, &["push", "{file}"], &changed).await;
    assert!(printed.starts_with("hi: unchanged\nprice: unchanged\n"), "{printed}");
    done(&stage, &["remove", "hello"], "").await;
    let printed = done(&stage, &["list"], "").await;
    let ids: Vec<_> = printed.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(ids, ["ID", "price", "hi"]);
    let (code, _, complaint) = templates(&stage, &["remove", "hello"], "").await;
    assert!(code == Some(1) && complaint.contains("no template hello"), "{complaint}");
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_is_told_by_line_and_key() {
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    let wrong = FILE.replace("\"Yes\", \"No\"", "\"Yes\", { text = \"No\", url = \"https://example.com\" }");
    let (code, _, complaint) = templates(&stage, &["push", "{file}"], &wrong).await;
    assert!(code == Some(1) && complaint.contains("templates.toml:7: buttons:"), "{complaint}");
    assert!(stage.kommo.rest_requests().is_empty());
}

#[tokio::test]
async fn the_limit_of_the_account_is_told_and_what_is_done_stays() {
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    stage.kommo.set_most_templates(1);
    let (code, printed, complaint) = templates(&stage, &["push", "{file}"], FILE).await;
    assert_eq!((code, printed.as_str()), (Some(1), "hello: created in Kommo\n"));
    assert!(complaint.contains("all the templates that it may have") && complaint.contains("remove"), "{complaint}");
}

#[tokio::test]
async fn a_token_that_is_not_there_expired_or_lacks_a_right_is_told() {
    let (code, _, complaint) = templates(&Harness::without_bridge("").unwrap(), &["list"], "").await;
    assert!(code == Some(1) && complaint.contains("kommo.access_token"), "{complaint}");
    let stage = Harness::without_bridge(ACCOUNT).unwrap();
    stage.kommo.forbid(&[Subject::Templates]);
    let (code, _, complaint) = templates(&stage, &["push", "{file}"], FILE).await;
    assert!(code == Some(1) && complaint.contains("lacks a right"), "{complaint}");
    stage.kommo.new_token(UnixMillis(0));
    let (code, _, complaint) = templates(&stage, &["list"], "").await;
    assert!(code == Some(1) && complaint.contains("make a new one"), "{complaint}");
}
