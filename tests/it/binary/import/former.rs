//! What earlier versions noted of imports beside the store still counts.

use std::fs;

use super::*;

const FRESH: &str = "Imported 13, there already 0";

/// Notes that all messages of Anna's chat were imported in a scope; the last line was cut by a crash.
fn note(stage: &Harness, scope: &str) {
    let folder = stage.dir().join(KEPT);
    fs::create_dir_all(&folder).unwrap();
    let numbers = [1001, 1002, 1003, 1004, 1005, 1007, 1008, 1009, 1010, 1011, 1013];
    let line = |number: &i64| format!("{{{scope}\"chat\":{ANNA},\"message\":{number},\"kommo\":\"x\"}}\n");
    let cut = format!("{{{scope}\"chat\":{BEN},\"mess");
    let text = numbers.iter().map(line).collect::<String>() + &cut;
    fs::write(folder.join("done.jsonl"), text).unwrap();
}

#[tokio::test]
async fn what_was_noted_is_taken_over_once_and_not_imported_again() {
    let stage = Harness::without_bridge("").unwrap();
    note(&stage, &format!("\"scope\":\"{}\",", stage.kommo.settings().scope_id()));
    let printed = done(&stage, &[]).await;
    assert!(printed.contains("Imported 2, there already 11, failed 0."), "{printed}");
    assert_eq!((messages(&stage, ANNA).len(), messages(&stage, BEN).len()), (0, 2));
    assert!(!stage.dir().join(KEPT).join("done.jsonl").exists());
    let printed = done(&stage, &["--dry-run"]).await;
    assert!(printed.contains("Imported before: 13; to be imported now: 0."), "{printed}");
}

#[tokio::test]
async fn what_was_noted_for_another_channel_or_for_none_holds_nothing_back() {
    for scope in ["\"scope\":\"another_account\",", ""] {
        let stage = Harness::without_bridge("").unwrap();
        note(&stage, scope);
        let printed = done(&stage, &[]).await;
        assert!(printed.contains(FRESH), "{printed}");
        assert_complete(&stage);
    }
}

#[tokio::test]
async fn a_bridge_takes_over_at_its_start_which_chats_were_imported_and_in_whose_names() {
    let stage = Harness::without_bridge("").unwrap();
    let (imports, scope) = (stage.dir().join("data/imports"), stage.kommo.settings().scope_id());
    fs::create_dir_all(&imports).unwrap();
    let line = |scope: &str, conversation: &str, chat: &str| {
        let noted = r#""noted_at":1786017600000"#;
        format!("{{\"scope\":\"{scope}\",\"conversation\":\"{conversation}\",\"chat\":\"{chat}\",{noted}}}\n")
    };
    let lines = [(&*scope, "a"), (&*scope, "b"), ("another", "c")];
    let text: String = lines.iter().map(|(scope, chat)| line(scope, "tg:sales:7", chat)).collect();
    fs::write(imports.join("chats.jsonl"), text + "{\"scope\":\"another").unwrap();
    fs::write(imports.join("in-managers-names"), "").unwrap();
    let mut stage = stage;
    stage.start_bridge().await.unwrap();
    let store = stage.bridge().unwrap().store().clone();
    let chat = |scope: &str| store.imports(scope).chat(&"tg:sales:7".parse().unwrap()).unwrap().map(|chat| chat.0);
    assert_eq!((chat(&scope).as_deref(), chat("another").as_deref()), (Some("b"), Some("c")), "the last of each");
    assert!(store.has_imports_by_managers().unwrap());
    assert_eq!(fs::read_dir(&imports).unwrap().count(), 0);
    drop(store);
    stage.stop_bridge().await;
}
