//! What the account tells: chats, histories; and who reacts in it.

use super::{attachments::stage, *};

#[tokio::test]
async fn a_new_chats_user_is_told_in_either_shape() {
    let kommo = fake();
    let avatar = format!("{}/attachments/none/a.jpg", kommo.url());
    let body = json!({"conversation_id": ANNA, "user": {"id": "tg-user:777000111", "name": "Anna", "avatar": avatar,
        "profile": {"phone": "15550100", "email": "ann@example.com"}}});
    let (_, flat) = post_to(&kommo, "/chats", body.clone()).await;
    kommo.quirks(|quirks| quirks.users = UserShape::Nested);
    let (_, nested) = post_to(&kommo, "/chats", body).await;
    let chat = &kommo.chats()[0];
    let mut user = json!({"id": chat.contact.id, "client_id": "tg-user:777000111", "name": "Anna", "avatar": avatar,
        "phone": "15550100", "email": "ann@example.com"});
    assert_eq!(flat, json!({"id": chat.chat_id, "user": user}));
    user = json!({"id": chat.contact.id, "client_id": "tg-user:777000111", "name": "Anna", "avatar": avatar,
        "profile": {"phone": "15550100", "email": "ann@example.com"}});
    assert_eq!(nested, json!({"id": chat.chat_id, "user": user}));
}

#[tokio::test]
async fn hooks_name_the_default_source_where_the_chats_own_is_not_known() {
    let (kommo, hooks) = stage().await;
    let own = kommo.chat(ANNA).unwrap().source.unwrap();
    let named = async || {
        kommo.reply(ANNA, "Max", "hello").await;
        hooks().pop().unwrap()["message"]["source"]["external_id"].clone()
    };
    assert_eq!(named().await, own, "nothing says more");
    kommo.add_source("other", "Other", MAIN_PIPELINE);
    kommo.make_default("other");
    assert_eq!(named().await, "other");
    kommo.add_source(&own, "Own", MAIN_PIPELINE);
    assert_eq!(named().await, own);
}

#[tokio::test]
async fn history_tells_everything_of_every_author() {
    let (kommo, _hooks) = stage().await;
    let mut place = payload("tg:2", "");
    place["msec_timestamp"] = json!(1_786_017_600_200_i64);
    place["message"] = json!({"type": "location", "location": {"lon": 2.5, "lat": 48.5}});
    place["sender"]["profile"] = json!({"phone": "+15550100"});
    send(&kommo, place).await;
    let mut import = payload("tg:3", "from the phone");
    import["msec_timestamp"] = json!(1_786_017_600_300_i64);
    import["receiver"] = import["sender"].clone();
    import["sender"] = json!({"id": "bot", "name": "Bot", "ref_id": BOT});
    send(&kommo, import).await;
    let picture = || Attachment::new(AttachmentKind::Picture, "a.jpg", vec![1, 2]);
    kommo.say_together(ANNA, "Max", vec![picture().into(), Draft::file(picture())], Pace::InTurn).await;
    let chat = kommo.chat(ANNA).unwrap();
    let path = format!("{}/chats/{}/history", kommo.settings().scope_id(), chat.chat_id);
    let (_, history) = call(&kommo, Method::GET, &path, "").await.unwrap();
    let customer =
        json!({"id": chat.contact.id, "name": "Anna Petrova", "client_id": "tg-user:777000111", "phone": "+15550100"});
    let file = chat.messages[4].media.clone().unwrap();
    let max = json!({"id": kommo.manager("Max"), "name": "Max"});
    let entry = &history["messages"][0];
    assert_eq!((&entry["sender"], &entry["receiver"]), (&max, &customer));
    assert_eq!(
        entry["message"],
        json!({"id": chat.messages[4].id, "type": "picture", "text": "", "media": file.url, "thumbnail": file.thumbnail,
            "file_name": "", "file_size": 0, "media_group_id": chat.messages[4].group})
    );
    let entry = &history["messages"][2];
    assert_eq!((&entry["sender"], &entry["receiver"]), (&json!({"id": BOT, "name": "Bot"}), &customer));
    assert_eq!(entry["message"]["client_id"], "tg:3");
    let entry = &history["messages"][3];
    assert_eq!((&entry["sender"], entry.get("receiver")), (&customer, None));
    assert_eq!(entry["message"]["location"], json!({"lon": 2.5, "lat": 48.5}));
    kommo.quirks(|quirks| quirks.blanks = Optional::Missing);
    let (_, history) = call(&kommo, Method::GET, &format!("{path}?limit=1&offset=4"), "").await.unwrap();
    assert_eq!(
        history["messages"][0]["message"],
        json!({"id": chat.messages[0].id, "client_id": "tg:1", "type": "text", "text": "hi"})
    );
}

#[tokio::test]
async fn users_react_by_their_reference_and_customers_by_their_id() {
    let (kommo, _hooks) = stage().await;
    let chat_id = kommo.chats()[0].chat_id.clone();
    let by = |user: Value, emoji: Option<&str>| {
        json!({"conversation_ref_id": chat_id, "msgid": "tg:1", "user": user, "emoji": emoji,
            "type": if emoji.is_some() { "react" } else { "unreact" }})
    };
    let max = json!({"ref_id": kommo.manager("Max")});
    for (body, status) in [
        (by(max.clone(), Some("👍")), 200),
        (by(json!({"id": "tg-user:777000111"}), Some("😍")), 200),
        (by(json!({"ref_id": "nobody's"}), Some("👎")), 400),
        (by(json!({"name": "Max"}), Some("👎")), 400),
    ] {
        assert_eq!(post_to(&kommo, "/react", body.clone()).await.0, status, "{body}");
    }
    let shown = || kommo.chats()[0].messages[0].clone();
    assert_eq!((shown().reaction.as_deref(), shown().manager_reactions["Max"].as_str()), (Some("😍"), "👍"));
    assert_eq!(post_to(&kommo, "/react", by(max, None)).await.0, 200);
    assert_eq!((shown().reaction.as_deref(), shown().manager_reactions.len()), (Some("😍"), 0));
    let mut nowhere = by(json!({"id": "tg-user:777000111"}), None);
    nowhere["conversation_id"] = json!("tg:sales:9");
    assert_eq!(post_to(&kommo, "/react", nowhere).await.0, 404);
}
