//! Updates that nobody expects: none may hold up what comes behind it.

use serde_json::{Value, json};
use telekommo::sandbox::{
    fault::Fault,
    harness::{ANNA, BEN, LINES, Line},
    telegram::Target,
};

use crate::support::{TestStage, eventually, in_kommo};

const SALES: Line = LINES[0];

/// An update that everybody skips.
fn skipped() -> Value {
    json!({ "poll": {
        "id": "1", "question": "Desk or chair?", "options": [], "total_voter_count": 0, "is_closed": false,
        "is_anonymous": true, "type": "regular", "allows_multiple_answers": false, "allows_revoting": false,
        "members_only": false,
    } })
}

/// Queues an update with any content for `kind`, at its proper number.
fn push(stage: &TestStage, kind: &str, content: &Value) {
    // It tells the next number.
    let before = stage.telegram.push_update(SALES.token, &skipped());
    let id = before.expect("the bot wants polls") + 1;
    stage.telegram.push_raw(SALES.token, json!({ "update_id": id, kind: content }));
}

fn message(number: i64, fields: &Value) -> Value {
    let mut message = json!({
        "message_id": number,
        "date": 1_786_017_600,
        "from": { "id": ANNA, "is_bot": false, "first_name": "Anna" },
        "chat": { "id": ANNA, "type": "private", "first_name": "Anna" },
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        message[name] = value.clone();
    }
    message
}

/// Whether a line about a message that was set aside says which update it was.
fn is_named(why: &str) -> bool {
    let number =
        why.strip_prefix("update ").and_then(|rest| rest.strip_suffix(" of source sales cannot be read as a message"));
    number.is_some_and(|number| number.parse::<i64>().is_ok())
}

/// A normal message arrives behind everything that was pushed, and Telegram may forget all of it.
async fn assert_goes_on(stage: &TestStage) {
    stage.telegram.write(SALES.token, BEN, "normal");
    stage.until("a normal message arrives", |stage| in_kommo(stage, SALES, BEN) == ["normal"]).await;
    eventually("all is confirmed", async || stage.telegram.pending(SALES.token) == 0).await;
    stage.until_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_a_private_message_is_passed_over() {
    let stage = TestStage::start().await;
    for kind in ["callback_query", "my_chat_member", "message_reaction", "from_the_future"] {
        push(&stage, kind, &json!({ "chat": { "id": ANNA, "type": "private" }, "message_id": 1, "text": "no" }));
        push(&stage, kind, &json!(null));
    }
    for kind in ["group", "supergroup", "channel", "from_the_future"] {
        push(&stage, "message", &message(1, &json!({ "chat": { "id": -100, "type": kind }, "text": "no" })));
    }
    assert_goes_on(&stage).await;
    assert_eq!(stage.kommo.chats().len(), 1, "only the normal message is there");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_set_aside_for_a_person() {
    let mut stage = TestStage::start().await;
    stage.allow_leftovers();
    let unreadable = [
        json!(7),
        json!("text"),
        json!([[[]]]),
        json!({}),
        json!({ "text": "no chat", "message_id": 1 }),
        json!({ "chat": "not an object", "message_id": 1, "text": "x" }),
        json!({ "chat": { "id": "not a number", "type": "private" }, "message_id": 1, "text": "x" }),
        json!({ "chat": { "id": ANNA, "type": "private" }, "text": "no number" }),
        json!({ "chat": { "id": ANNA }, "message_id": 1, "text": "a chat without a type" }),
    ];
    for content in &unreadable {
        push(&stage, "message", content);
    }
    assert_goes_on(&stage).await;
    let parked = stage.parked(unreadable.len()).await;
    assert!(parked.iter().all(|parked| is_named(&parked.why)), "{parked:#?}");
    let (_, metrics) = stage.admin("/metrics").await;
    assert!(metrics.contains(&format!("telekommo_parked_messages {}", unreadable.len())), "{metrics}");
    assert_eq!(stage.kommo.chats().len(), 1);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_without_a_usable_number_holds_up_nothing() {
    let mut stage = TestStage::start().await;
    stage.allow_leftovers();
    for raw in [json!("not even an object"), json!({}), json!({ "update_id": "1" }), json!({ "update_id": i64::MAX })] {
        stage.telegram.push_raw(SALES.token, raw);
    }
    assert_goes_on(&stage).await;
    let parked = stage.parked(1).await;
    assert_eq!(parked[0].why, "an update of source sales, without a number, cannot be read as a message");
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_is_nested_deeply_holds_up_nothing() {
    let stage = TestStage::start().await;
    let nested = (0..100).fold(json!("deep"), |inner, _| json!([inner]));
    push(&stage, "message", &message(1, &json!({ "text": "said", "from_the_future": nested })));
    assert_goes_on(&stage).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["said"]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_is_nested_too_deeply_is_set_aside_and_the_others_go_on() {
    let mut stage = TestStage::start().await;
    stage.allow_leftovers();
    stage.allow_failures();
    // It tells the numbers, of which the next is taken by what makes the bot poll again.
    let first = stage.telegram.push_update(SALES.token, &skipped()).expect("the bot wants polls") + 2;
    let mut updates = Vec::new();
    for levels in [121, 122, 127, 128, 1_000, 100_000] {
        // The update and its message are two of the levels.
        let nest = format!(r#"{{"from_the_future":{}{},"#, "[".repeat(levels - 2), "]".repeat(levels - 2));
        for (said, begin) in [("deep", nest.as_str()), ("beside", "{")] {
            let number = i64::try_from(updates.len()).unwrap();
            let message = message(number + 10, &json!({ "text": format!("{said} {levels}") })).to_string();
            let message = message.replacen('{', begin, 1);
            updates.push(format!(r#"{{"update_id":{},"message":{message}}}"#, first + number));
        }
    }
    let body = format!(r#"{{"ok":true,"result":[{}]}}"#, updates.join(","));
    let polling = Target { token: Some(SALES.token.to_owned()), method: Some("getUpdates".to_owned()) };
    stage.telegram.fault(polling, Fault::Status { code: 200, body }, 1);
    stage.telegram.push_update(SALES.token, &skipped());
    let want = [
        "deep 121",
        "beside 121",
        "deep 122",
        "beside 122",
        "deep 127",
        "beside 127",
        "beside 128",
        "beside 1000",
        "beside 100000",
    ];
    stage.until("what can be read arrives", |stage| in_kommo(stage, SALES, ANNA).len() == want.len()).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), want);
    let mut why: Vec<_> = stage.parked(3).await.into_iter().map(|parked| parked.why).collect();
    why.sort();
    for (why, (n, levels)) in why.iter().zip([(6, 128), (8, 1_000), (10, 100_000)]) {
        let update = first + n;
        assert!(why.starts_with(&format!("update {update} of source sales cannot be read")), "{why}");
        assert!(why.contains(&format!("nested {levels} levels deep")), "{why}");
    }
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_carried_is_named() {
    let stage = TestStage::start().await;
    let cases = [
        (
            json!({ "paid_media": { "star_count": 5 }, "caption": "my desk" }),
            "[paid media for 5 Telegram Stars]\nmy desk",
        ),
        (json!({ "voice": {} }), "[voice]"),
        (json!({ "video_note": {} }), "[video note]"),
        (json!({ "a_kind_from_the_future": {} }), "[a kind from the future]"),
        (json!({}), "[empty message]"),
        (json!({ "text": "a text", "entities": "no array", "reply_to_message": 7, "via_bot": [] }), "a text"),
        (json!({ "text": "no sender", "from": null }), "no sender"),
        (json!({ "text": "no date", "date": "yesterday" }), "no date"),
    ];
    for (number, (fields, _)) in (1..).zip(&cases) {
        push(&stage, "message", &message(number, fields));
    }
    assert_goes_on(&stage).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), cases.each_ref().map(|(_, text)| *text));
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_leave_the_last_wording_and_those_of_unknown_messages_are_told() {
    let stage = TestStage::start().await;
    let number = stage.telegram.write(SALES.token, ANNA, "I want too desks");
    for text in ["I want two desks", "I want three desks"] {
        let edited = message(number, &json!({ "edit_date": 1_786_017_700, "text": text }));
        push(&stage, "edited_message", &edited);
    }
    push(&stage, "edited_message", &message(number + 1, &json!({ "text": "from before" })));
    assert_goes_on(&stage).await;
    let want = ["I want three desks", "[edited] from before"];
    assert_eq!(in_kommo(&stage, SALES, ANNA), want);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_huge_text_arrives_whole() {
    let stage = TestStage::start().await;
    let huge = "слово 👋 ".repeat(20_000);
    push(&stage, "message", &message(1, &json!({ "text": huge })));
    assert_goes_on(&stage).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), [huge]);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_comes_again_is_relayed_once() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(SALES, ANNA).await;
    let before = stage.telegram.push_update(SALES.token, &skipped()).unwrap();
    for _ in 0..3 {
        let update = json!({ "update_id": before + 1, "message": message(70, &json!({ "text": "once" })) });
        stage.telegram.push_raw(SALES.token, update);
    }
    assert_goes_on(&stage).await;
    assert_eq!(in_kommo(&stage, SALES, ANNA), ["/start", "once"]);
    // Kommo would show a repetition as the same message.
    let told = stage.kommo.requests().iter().filter(|request| request.body.contains("once")).count();
    assert_eq!(told, 1, "it went to Kommo once");
    stage.finish().await;
}
