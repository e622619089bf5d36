//! Groups, and the chats of owners whom a bot helps.

use super::*;
use crate::sandbox::telegram::{GroupKind, NewGroup};

const OLGA: i64 = 777_000_333;
const GARDEN: i64 = -1_001_000_000_042;

/// A page with a group in which Anna is, and with Olga, whose chats the bot looks after.
fn furnished() -> (Page, FakeTelegram) {
    let (page, telegram, _kommo) = page();
    let (first_name, last_name) = ("Olga".to_owned(), None);
    telegram.add_customer(Customer { id: OLGA, first_name, last_name, username: None, language_code: None });
    telegram.connect_business(TOKEN, OLGA, &["can_reply"]);
    telegram.set_reads_all(TOKEN, true);
    let title = "Garden club".to_owned();
    telegram.add_group(TOKEN, NewGroup { id: GARDEN, kind: GroupKind::Supergroup, title, members: vec![ANNA] });
    (page, telegram)
}

async fn act(page: &Page, act: &str, mut place: Value, more: Value) -> u16 {
    place["source"] = json!("sales");
    place.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    post_to(page, &format!("/api/telegram/{act}"), place).await.0
}

fn garden() -> Value {
    json!({ "customer": ANNA, "group": GARDEN })
}

fn with_olga(as_owner: bool) -> Value {
    json!({ "customer": ANNA, "owner": OLGA, "as_owner": as_owner })
}

/// The authors and texts of a room's messages.
async fn messages(page: &Page, place: Value) -> Vec<(Value, Value)> {
    let state = get_from(page, "/api/state").await.1;
    let same = |chat: &&Value| chat["group"] == place["group"] && chat["owner"] == place["owner"];
    let chat = state["telegram"].as_array().unwrap().iter().find(same).unwrap();
    chat["messages"].as_array().unwrap().iter().map(|it| (it["from"].clone(), it["text"].clone())).collect()
}

#[tokio::test]
async fn the_state_names_groups_and_owners() {
    let (page, _telegram) = furnished();
    let state = get_from(&page, "/api/state").await.1;
    let bot = &state["bots"][0];
    assert_eq!(bot["groups"], json!([{"id": GARDEN, "name": "Garden club", "members": [ANNA], "has_bot": true}]));
    assert_eq!(bot["owners"], json!([{"id": OLGA, "name": "Olga", "has_bot": true}]));
    let customers: Vec<_> = state["customers"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(customers, [&json!(ANNA)], "an owner is no customer");
    assert_eq!(state["telegram"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn people_write_change_and_send_in_groups() {
    let (page, telegram) = furnished();
    let before = telegram.pending(TOKEN);
    assert_eq!(act(&page, "write", garden(), json!({ "text": "when?" })).await, 200);
    assert_eq!(act(&page, "edit", garden(), json!({ "message_id": 1, "text": "When?" })).await, 200);
    assert_eq!(act(&page, "send_piece", garden(), json!({ "piece": { "kind": "own_number" } })).await, 200);
    assert_eq!(telegram.pending(TOKEN), before + 3);
    assert_eq!(messages(&page, garden()).await[0], (json!("customer"), json!("When?")));
    assert_eq!(act(&page, "react", garden(), json!({ "message_id": 1, "emoji": "👍" })).await, 400);
    for nowhere in [json!({ "customer": OLGA, "group": GARDEN }), json!({ "customer": ANNA, "group": -1 })] {
        assert_eq!(act(&page, "write", nowhere.clone(), json!({ "text": "x" })).await, 404, "{nowhere}");
    }
}

#[tokio::test]
async fn a_bot_that_is_thrown_out_hears_nothing_until_it_is_back() {
    for (place, text) in [(garden(), "in the group"), (with_olga(false), "to Olga")] {
        let (page, telegram) = furnished();
        assert_eq!(act(&page, "write", place.clone(), json!({ "text": text })).await, 200);
        for (blocked, expected_updates) in [(true, 0), (false, 2)] {
            for expected in [1, 0] {
                let before = telegram.pending(TOKEN);
                assert_eq!(act(&page, "block", place.clone(), json!({ "blocked": blocked })).await, 200);
                assert_eq!(telegram.pending(TOKEN) - before, expected, "{place}: reported once");
            }
            let before = telegram.pending(TOKEN);
            assert_eq!(act(&page, "write", place.clone(), json!({ "text": "more" })).await, 200);
            assert_eq!(act(&page, "edit", place.clone(), json!({ "message_id": 1, "text": "else" })).await, 200);
            assert_eq!(telegram.pending(TOKEN) - before, expected_updates, "{place}");
        }
    }
}

#[tokio::test]
async fn an_owner_writes_to_the_customer_too() {
    let (page, _telegram) = furnished();
    assert_eq!(act(&page, "write", with_olga(false), json!({ "text": "Hello Olga" })).await, 200);
    assert_eq!(act(&page, "write", with_olga(true), json!({ "text": "Hello Anna", "reply_to": 1 })).await, 200);
    let all = [(json!("customer"), json!("Hello Olga")), (json!("owner"), json!("Hello Anna"))];
    assert_eq!(messages(&page, with_olga(false)).await, all);
    for (as_owner, id, status) in [(true, 1, 400), (false, 2, 400), (true, 2, 200), (false, 1, 200)] {
        let edit = json!({ "message_id": id, "text": "else" });
        assert_eq!(act(&page, "edit", with_olga(as_owner), edit).await, status, "{as_owner} {id}");
    }
    for nobody in [json!({ "customer": ANNA, "owner": 5 }), json!({ "customer": OLGA, "owner": OLGA })] {
        assert_eq!(act(&page, "write", nobody.clone(), json!({ "text": "x" })).await, 404, "{nobody}");
    }
}
