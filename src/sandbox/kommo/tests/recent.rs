//! What is new in 2026, as accounts that have it and accounts that have not.

use super::{attachments::stage, *};

#[tokio::test]
async fn errors_are_told_in_either_shape() {
    let kommo = fake();
    let wrong = || payload("", "a");
    let (status, older) = send(&kommo, wrong()).await;
    assert_eq!((status, &older["status"], &older["error_code"]), (400, &json!(0), &json!(400)));
    kommo.quirks(|quirks| quirks.errors = ErrorShape::Newer);
    let (status, newer) = send(&kommo, wrong()).await;
    assert_eq!((status, &newer["status"], &newer["title"]), (400, &json!(400), &json!("Bad Request")));
    assert_eq!(newer["detail"], older["error_description"]);
    let (_, again) = send(&kommo, wrong()).await;
    assert!(newer["trace_id"].is_string() && newer["trace_id"] != again["trace_id"]);
    kommo.quirks(|quirks| quirks.unfit_status = 422);
    let (status, unfit) = send(&kommo, wrong()).await;
    assert_eq!((status, &unfit["status"], &unfit["detail"]), (422, &json!(422), &newer["detail"]));
    kommo.set_connected(false);
    assert_eq!(send(&kommo, payload("tg:1", "a")).await.1["title"], "ORIGIN_NOT_REGISTERED");
}

#[tokio::test]
async fn the_wait_after_too_many_requests_is_told_in_either_place() {
    let kommo = fake();
    for (waits, in_body) in [(WaitIn::Header, Value::Null), (WaitIn::Body, json!(300))] {
        kommo.quirks(|quirks| quirks.waits = waits);
        kommo.fault(None, Fault::RetryAfter(300), 1);
        let (status, body) = send(&kommo, payload("tg:1", "a")).await;
        assert_eq!((status, &body["retry_after"]), (429, &in_body));
    }
}

#[tokio::test]
async fn a_status_goes_by_the_names_that_the_account_knows() {
    let (kommo, _hooks) = stage().await;
    let (id, _) = kommo.reply(ANNA, "Max", "Hello").await;
    let (older, newer) = (json!({"msgid": id, "delivery_status": 1}), json!({"status_code": 1}));
    let named = json!({"msgid": id, "status_code": 1});
    for (names, taken) in [
        (StatusNames::Any, [200, 200, 200]),
        (StatusNames::Newer, [400, 200, 400]),
        (StatusNames::Older, [200, 400, 400]),
    ] {
        kommo.quirks(|quirks| quirks.status_names = names);
        for (body, want) in [&older, &newer, &named].into_iter().zip(taken) {
            let path = format!("/{id}/delivery_status");
            assert_eq!(post_to(&kommo, &path, body.clone()).await.0, want, "{names:?} {body}");
        }
    }
}

#[tokio::test]
async fn a_channel_without_a_title_may_be_refused() {
    let kommo = fake();
    let connect = |title: Option<&str>| {
        let mut body = json!({"account_id": kommo.settings().account_id, "hook_api_version": "v2"});
        if let Some(title) = title {
            body["title"] = json!(title);
        }
        let tail = format!("{}/connect", kommo.settings().channel_id);
        let kommo = &kommo;
        async move { call(kommo, Method::POST, &tail, &body.to_string()).await.unwrap().0 }
    };
    assert_eq!(connect(None).await, 200);
    kommo.quirks(|quirks| quirks.untitled = Doubtful::Refused);
    assert_eq!((connect(None).await, connect(Some("")).await, connect(Some("Acme")).await), (400, 400, 200));
}

#[tokio::test]
async fn edits_of_customers_messages_may_be_refused() {
    let (kommo, _hooks) = stage().await;
    let (id, _) = kommo.reply(ANNA, "Max", "Hello").await;
    let edit = |name: &str, id: &str| {
        let mut edit = payload("?", "b");
        edit.as_object_mut().unwrap().remove("msgid");
        edit[name] = json!(id);
        json!({"event_type": "edit_message", "payload": edit})
    };
    kommo.quirks(|quirks| quirks.customer_edits = Doubtful::Refused);
    assert_eq!(post_to(&kommo, "", edit("msgid", "tg:1")).await.0, 400);
    assert_eq!(post_to(&kommo, "", edit("id", &id)).await.0, 200);
}
