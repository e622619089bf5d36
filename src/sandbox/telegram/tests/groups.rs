//! Groups, supergroups and channels.

use super::*;

const GROUP: i64 = -1_000_500;

fn group(kind: GroupKind) -> FakeTelegram {
    let telegram = fake();
    telegram.add_group(TOKEN, NewGroup { id: GROUP, kind, title: "Acme".to_owned(), members: vec![ANNA] });
    telegram
}

async fn updates(telegram: &FakeTelegram) -> Vec<Value> {
    call(telegram, "getUpdates", json!({})).await.1["result"].as_array().unwrap().clone()
}

async fn send(telegram: &FakeTelegram, chat: i64) -> (u16, Value) {
    call(telegram, "sendMessage", json!({"chat_id": chat, "text": "hello"})).await
}

#[tokio::test]
async fn members_write_and_the_bot_answers() {
    let telegram = group(GroupKind::Supergroup);
    telegram.set_reads_all(TOKEN, true);
    assert_eq!(telegram.write_in_group(TOKEN, GROUP, ANNA, "hi"), 1);
    let (status, answer) = send(&telegram, GROUP).await;
    assert_eq!((status, &answer["result"]["from"]["id"]), (200, &json!(700_001)));
    let chat = json!({"id": GROUP, "title": "Acme", "type": "supergroup"});
    assert_eq!(answer["result"]["chat"], chat);
    let seen = updates(&telegram).await;
    let joined = &seen[0]["my_chat_member"];
    assert_eq!((&joined["chat"], &joined["from"]["id"]), (&chat, &json!(ANNA)));
    assert_eq!(
        (&joined["old_chat_member"]["status"], &joined["new_chat_member"]["status"]),
        (&json!("left"), &json!("member"))
    );
    assert_eq!((&seen[1]["message"]["chat"], &seen[1]["message"]["from"]["id"]), (&chat, &json!(ANNA)));
    assert_eq!(telegram.messages(TOKEN, GROUP).len(), 2);
    assert_eq!(call(&telegram, "getChat", json!({"chat_id": GROUP})).await.1["result"]["title"], "Acme");
}

#[tokio::test]
async fn a_bot_usually_sees_only_what_is_meant_for_it() {
    let telegram = group(GroupKind::Group);
    telegram.write_in_group(TOKEN, GROUP, ANNA, "unseen");
    send(&telegram, GROUP).await;
    telegram.write_in_group(TOKEN, GROUP, ANNA, "/help");
    telegram.reply_in_group(TOKEN, GROUP, ANNA, "yes", 2);
    telegram.reply_in_group(TOKEN, GROUP, ANNA, "unseen", 1);
    let texts: Vec<_> = updates(&telegram).await.into_iter().map(|it| it["message"]["text"].clone()).collect();
    assert_eq!(texts, [Value::Null, json!("/help"), json!("yes")]);
}

#[tokio::test]
async fn a_channel_speaks_as_itself() {
    let telegram = group(GroupKind::Channel);
    telegram.post(TOKEN, GROUP, "news");
    let post = updates(&telegram).await.pop().unwrap()["channel_post"].clone();
    assert_eq!((&post["sender_chat"]["id"], post.get("from")), (&json!(GROUP), None));
    assert_eq!((&post["chat"]["type"], &post["text"]), (&json!("channel"), &json!("news")));
    assert_eq!(send(&telegram, GROUP).await.1["result"]["sender_chat"]["id"], json!(GROUP));
}

#[tokio::test]
async fn a_kicked_bot_is_told_where_it_was() {
    for (kind, name) in
        [(GroupKind::Group, "group"), (GroupKind::Supergroup, "supergroup"), (GroupKind::Channel, "channel")]
    {
        let telegram = group(kind);
        telegram.kick(TOKEN, GROUP, ANNA);
        let refusal = format!("Forbidden: bot was kicked from the {name} chat");
        assert_eq!(description(&send(&telegram, GROUP).await), (403, refusal.as_str()));
        let kicked = updates(&telegram).await.pop().unwrap();
        assert_eq!(kicked["my_chat_member"]["new_chat_member"]["status"], "kicked");
        telegram.let_in(TOKEN, GROUP, ANNA);
        assert_eq!(send(&telegram, GROUP).await.0, 200);
    }
}

#[tokio::test]
async fn a_group_that_moves_says_where() {
    const MOVED: i64 = -1_001_234_567_890;
    let telegram = group(GroupKind::Group);
    telegram.migrate(TOKEN, GROUP, MOVED);
    let refused = send(&telegram, GROUP).await;
    assert_eq!(description(&refused), (400, "Bad Request: group chat was upgraded to a supergroup chat"));
    assert_eq!(refused.1["parameters"], json!({"migrate_to_chat_id": MOVED}));
    assert_eq!(send(&telegram, MOVED).await.0, 200);
    let seen = updates(&telegram).await;
    assert_eq!(seen[1]["message"]["migrate_to_chat_id"], json!(MOVED));
    assert_eq!(seen[2]["message"]["migrate_from_chat_id"], json!(GROUP));
    assert_eq!(seen[2]["message"]["chat"]["type"], "supergroup");
}
