//! Messages from the channel that are more than a customer's text: imports, forwards, pictures of people, first
//! answers.

use super::{attachments::stage, *};

fn import(kommo: &FakeKommo, msgid: &str, manager: &str) -> Value {
    let mut import = payload(msgid, "from the phone");
    import["receiver"] = json!({"id": "tg-user:777000111", "name": "Anna Petrova"});
    import["sender"] = json!({"id": "max", "name": "Max's phone", "ref_id": kommo.manager(manager)});
    import
}

#[tokio::test]
async fn an_import_is_told_from_what_was_written_in_kommo() {
    let (kommo, hooks) = stage().await;
    kommo.reply(ANNA, "Max", "in Kommo").await;
    send(&kommo, import(&kommo, "tg:2", "Max")).await;
    let messages = kommo.chat(ANNA).unwrap().messages;
    let shown: Vec<_> = messages.iter().map(|it| (it.from, it.imported)).collect();
    assert_eq!(shown, [(Author::Customer, true), (Author::Manager, false), (Author::Manager, true)]);
    assert_eq!(kommo.managers(), [("Max".to_owned(), messages[1].author_id.clone())]);
    assert_eq!(hooks().len(), 1, "imports are quiet");
}

#[tokio::test]
async fn an_import_can_come_back_as_a_hook_but_the_bots_never_does() {
    let (kommo, hooks) = stage().await;
    kommo.quirks(|quirks| quirks.imports = Imports::Echoed);
    let mut of_bot = import(&kommo, "tg:2", "Max");
    of_bot["sender"]["ref_id"] = json!(BOT);
    send(&kommo, of_bot).await;
    let (_, answer) = send(&kommo, import(&kommo, "tg:3", "Max")).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while hooks().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "no hook came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ids: Vec<_> = hooks().iter().map(|hook| hook["message"]["message"]["id"].clone()).collect();
    assert_eq!(ids, [answer["new_message"]["msgid"].clone()]);
}

#[tokio::test]
async fn an_import_can_tell_what_became_of_it() {
    let (kommo, _hooks) = stage().await;
    let with_status = |msgid: &str| {
        let mut with_status = import(&kommo, msgid, "Max");
        with_status["message"]["delivery_status"] = json!({"status_code": 2});
        with_status
    };
    assert_eq!(send(&kommo, with_status("tg:2")).await.0, 200);
    let shown = |n: usize| kommo.chat(ANNA).unwrap().messages[n].clone();
    assert_eq!((shown(1).status, shown(1).status_history), (Status::Read, vec![Status::Read]));
    let mut wrong = with_status("tg:3");
    wrong["message"]["delivery_status"] = json!({"status_code": -1});
    assert_eq!(send(&kommo, wrong).await.0, 400, "an error has a code");
    kommo.quirks(|quirks| quirks.new_statuses = Doubtful::Refused);
    assert_eq!(send(&kommo, with_status("tg:3")).await.0, 400);
    assert_eq!(send(&kommo, import(&kommo, "tg:3", "Max")).await.0, 200);
    assert_eq!(shown(2).status, Status::Sent);
}

#[tokio::test]
async fn the_status_of_an_unknown_sender_is_not_documented() {
    let kommo = fake();
    kommo.quirks(|quirks| quirks.unknown_sender_status = 403);
    let mut unknown = import(&kommo, "tg:1", "Max");
    unknown["sender"]["ref_id"] = json!("nobody's");
    let (status, answer) = send(&kommo, unknown).await;
    assert_eq!((status, answer["error_code"].as_u64()), (403, Some(453)));
    assert_eq!(answer["error_description"], "sender: user not found");
}

#[tokio::test]
async fn references_are_found_or_told_in_full() {
    let (kommo, _hooks) = stage().await;
    let first = kommo.chat(ANNA).unwrap().messages[0].id.clone();
    let full = json!({"type": "text", "text": "older words", "timestamp": 1, "msec_timestamp": 1000,
        "sender": {"name": "Anna"}});
    let cited = |n: usize| {
        let message = kommo.chat(ANNA).unwrap().messages[n].clone();
        (message.reply_to, message.forwards, message.cited)
    };
    let (known, words) = (Some(first.clone()), Some("older words".to_owned()));
    for (n, (field, value, want)) in [
        ("reply_to", json!({"message": {"msgid": "tg:1"}}), (known.clone(), vec![], None)),
        ("reply_to", json!({"message": full}), (None, vec![], words.clone())),
        ("forwards", json!({"messages": [{"id": first}]}), (None, vec![first.clone()], None)),
        ("forwards", json!({"messages": [full]}), (None, vec![], words)),
    ]
    .into_iter()
    .enumerate()
    {
        let mut referring = payload(&format!("tg:r{n}"), "see");
        referring[field] = value;
        assert_eq!(send(&kommo, referring).await.0, 200);
        assert_eq!(cited(n + 1), want, "{n}");
    }
    let mut lost = payload("tg:9", "see");
    lost["reply_to"] = json!({"message": {"msgid": "nobody's"}});
    assert_eq!(send(&kommo, lost.clone()).await.0, 400);
    kommo.quirks(|quirks| quirks.unknown_quotes = Doubtful::Taken);
    assert_eq!(send(&kommo, lost).await.0, 200);
    assert_eq!(cited(5), (None, vec![], None));
}

#[tokio::test]
async fn a_first_answer_binds_what_a_manager_began() {
    let (kommo, hooks) = stage().await;
    kommo.write_first("15550199", "sales", "Hello").await;
    let hook = hooks()[0]["message"].clone();
    let mut answer = payload("tg:b1", "Who is it?");
    answer["conversation_id"] = json!("tg:sales:888");
    answer["sender"]["id"] = json!("tg-user:888");
    answer["conversation_ref_id"] = hook["conversation"]["id"].clone();
    answer["sender"]["ref_id"] = json!("nobody's");
    assert_eq!(send(&kommo, answer.clone()).await.0, 400, "another's ref_id");
    answer["sender"]["ref_id"] = hook["receiver"]["id"].clone();
    assert_eq!(send(&kommo, answer.clone()).await.0, 200);
    let chat = kommo.chat("tg:sales:888").unwrap();
    assert_eq!((&json!(chat.chat_id), &json!(chat.contact.id)), (&hook["conversation"]["id"], &hook["receiver"]["id"]));
    assert_eq!((chat.messages.len(), chat.contact.phone.as_str()), (2, "15550199"));
    answer["msgid"] = json!("tg:b2");
    assert_eq!(send(&kommo, answer.clone()).await.0, 200, "both ids may be told again");
    answer["msgid"] = json!("tg:b3");
    answer["conversation_id"] = json!(ANNA);
    assert_eq!(send(&kommo, answer).await.0, 400, "the chat is another conversation's");
}

#[tokio::test]
async fn without_its_reference_a_first_answer_is_somebody_new() {
    let (kommo, hooks) = stage().await;
    kommo.write_first("15550199", "sales", "Hello").await;
    let hook = hooks()[0]["message"].clone();
    let mut answer = payload("tg:b1", "Who is it?");
    answer["conversation_id"] = json!("tg:sales:888");
    answer["sender"]["id"] = json!("tg-user:888");
    answer["conversation_ref_id"] = hook["conversation"]["id"].clone();
    assert_eq!(send(&kommo, answer).await.0, 200);
    let contact = kommo.chat("tg:sales:888").unwrap().contact;
    assert_ne!(json!(contact.id), hook["receiver"]["id"]);
    assert_eq!(contact.phone, "");
}

#[tokio::test]
async fn a_contact_is_one_in_all_chats_and_keeps_what_is_known() {
    let kommo = fake();
    let mut first = payload("tg:1", "hi");
    first["sender"]["profile"] = json!({"phone": "+15550100", "email": "ann@example.com"});
    send(&kommo, first).await;
    let mut second = payload("tg:2", "hi");
    second["conversation_id"] = json!("tg:support:777000111");
    second["sender"] = json!({"id": "tg-user:777000111", "name": "Anna Smith", "profile": {"email": ""}});
    send(&kommo, second).await;
    let contacts: Vec<_> = kommo.chats().into_iter().map(|chat| chat.contact).collect();
    assert_eq!((contacts.len(), &contacts[0]), (2, &contacts[1]));
    let contact = &contacts[0];
    assert_eq!(
        (contact.name.as_str(), contact.phone.as_str(), contact.email.as_str()),
        ("Anna Smith", "+15550100", "ann@example.com")
    );
}

#[tokio::test]
async fn a_picture_of_the_customer_is_fetched_once() {
    let (kommo, _hooks) = stage().await;
    let (id, _) = kommo.attach(ANNA, "Max", Attachment::new(AttachmentKind::Picture, "ann.jpg", vec![7; 9]), "").await;
    let url = kommo.chat(ANNA).unwrap().messages.into_iter().find(|it| it.id == id).unwrap().media.unwrap().url;
    let mut changed = kommo.changed();
    for msgid in ["tg:2", "tg:3"] {
        let mut message = payload(msgid, "hi");
        message["sender"]["avatar"] = json!(url);
        assert_eq!(send(&kommo, message).await.0, 200);
    }
    let avatar = || kommo.chat(ANNA).unwrap().contact.avatar.unwrap();
    let fetching = async {
        while avatar().fetched.is_none() {
            changed.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(10), fetching).await.unwrap();
    let fetched = avatar().fetched.unwrap();
    assert_eq!((fetched.status, fetched.content_type.as_str(), fetched.bytes.len()), (Some(200), "image/jpeg", 9));
    let fetches = kommo.requests().into_iter().filter(|it| it.endpoint == Some(Endpoint::Attachment)).count();
    assert_eq!(fetches, 1);
}

#[tokio::test]
async fn silence_is_kept_and_its_default_can_be_either() {
    let kommo = fake();
    let mut chosen = payload("tg:1", "A");
    chosen.as_object_mut().unwrap().remove("silent");
    chosen["message"]["callback_data"] = json!("vG9");
    send(&kommo, chosen.clone()).await;
    let shown = || (kommo.chats()[0].is_lead, kommo.chats()[0].messages.last().unwrap().silent);
    assert_eq!(shown(), (false, true));
    kommo.quirks(|quirks| quirks.silence = Silence::Loud);
    chosen["msgid"] = json!("tg:2");
    send(&kommo, chosen).await;
    assert_eq!(shown(), (true, false));
    assert_eq!(kommo.chats()[0].messages[0].callback_data.as_deref(), Some("vG9"));
}
