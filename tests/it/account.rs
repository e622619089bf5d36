//! The client of the account's REST API against the fake account.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::json;
use telekommo::{
    kommo::{
        account::{Account, RestError},
        chats::Chats,
        sign::Signer,
        wire::account::{
            EntityPatch, FieldPatch, NewChatLink, NewSource, NewTemplate, SourceChange, Tag, TemplateChange, ValuePatch,
        },
    },
    net::Egress,
    sandbox::{
        fault::Fault,
        harness::{ANNA, LINES},
        kommo::{EmptyLists, FakeKommo, MAIN_PIPELINE, OTHER_PIPELINE, Rate, Settings, Subject},
    },
};

use crate::support::{TestStage, conversation};

mod trouble;

fn kommo() -> FakeKommo {
    let settings = Settings {
        channel_id: "344a5002-f8ca-454d-af3d-396180102ac7".to_owned(),
        channel_secret: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        account_id: "52e591f7-c98f-4255-8495-827210138c81".to_owned(),
        bot_id: "f1910c7f-b1e0-4184-bd09-c7def2a9109a".to_owned(),
        title: "test".to_owned(),
    };
    FakeKommo::start(([127, 0, 0, 1], 0).into(), settings).expect("the fake starts")
}

fn client(kommo: &FakeKommo, token: &str) -> Account {
    let origin = Url::parse(&kommo.account_url()).unwrap();
    Account::new(&Egress::default(), origin, token, Duration::from_secs(10)).unwrap()
}

fn account(kommo: &FakeKommo) -> Account {
    client(kommo, &kommo.access_token())
}

fn source(external_id: &str) -> NewSource {
    NewSource {
        name: format!("Line {external_id}"),
        external_id: external_id.to_owned(),
        pipeline_id: None,
        default: None,
        origin_code: None,
    }
}

fn text_field(code: &str, text: &str) -> FieldPatch {
    let values = vec![ValuePatch { value: text.into(), enum_id: None, enum_code: None }];
    FieldPatch { field_id: None, field_code: Some(code.to_owned()), values }
}

#[tokio::test]
async fn the_account_and_its_users_tell_their_ids_in_the_chats_api() {
    let kommo = kommo();
    let maria = kommo.manager("Maria");
    let info = account(&kommo).info().await.unwrap();
    assert_eq!(info.amojo_id.as_deref(), Some("52e591f7-c98f-4255-8495-827210138c81"));
    let users = account(&kommo).users().await.unwrap();
    let users: Vec<_> = users.into_iter().map(|user| (user.name.unwrap(), user.amojo_id.unwrap())).collect();
    assert_eq!(users, [("Maria".to_owned(), maria)]);
}

#[tokio::test]
async fn sources_come_change_and_go() {
    let kommo = kommo();
    let account = account(&kommo);
    assert!(account.sources().await.unwrap().is_empty());
    let sales = account.create_source(&NewSource { default: Some(true), ..source("sales") }).await.unwrap();
    let support = NewSource { pipeline_id: Some(OTHER_PIPELINE), default: Some(true), ..source("support") };
    let support = account.create_source(&support).await.unwrap();
    let listed = account.sources().await.unwrap();
    let listed: Vec<_> =
        listed.iter().map(|it| (it.external_id.as_deref().unwrap(), it.pipeline_id, it.default)).collect();
    assert_eq!(
        listed,
        [("sales", Some(MAIN_PIPELINE), Some(false)), ("support", Some(OTHER_PIPELINE), Some(true))],
        "the new default source takes the place of the old one"
    );
    let (sales, support) = (sales.id.unwrap(), support.id.unwrap());
    let change = SourceChange { id: sales, name: Some("Sales".to_owned()), ..SourceChange::default() };
    account.update_source(&change).await.unwrap();
    account.delete_source(support).await.unwrap();
    let left: Vec<_> = kommo.sources().into_iter().map(|line| (line.external_id, line.name)).collect();
    assert_eq!(left, [("sales".to_owned(), "Sales".to_owned())]);
    assert!(account.delete_source(support).await.unwrap_err().is_not_found());
    let again = account.create_source(&source("sales")).await.unwrap_err();
    assert!(again.to_string().contains("external_id: NotUnique"), "{again}");
}

#[tokio::test]
async fn a_contact_is_found_by_phone_and_added_to() {
    let kommo = kommo();
    let account = account(&kommo);
    assert!(account.search_contacts("5550100").await.unwrap().is_empty());
    let anna = kommo.add_card("Anna", "+1 (202) 555-0100");
    kommo.add_card("Ben", "+1 202 555 0199");
    let found = account.search_contacts("12025550100").await.unwrap();
    assert_eq!(found.iter().map(|contact| contact.id).collect::<Vec<_>>(), [Some(anna)]);
    let patch = EntityPatch {
        name: None,
        custom_fields_values: vec![text_field("EMAIL", "anna@example.com")],
        tags_to_add: vec![Tag { name: "telegram".to_owned() }],
        tags_to_delete: Vec::new(),
    };
    account.patch_contact(anna, &patch).await.unwrap();
    let contact = account.contact(anna).await.unwrap().unwrap();
    assert_eq!(contact.texts("PHONE").collect::<Vec<_>>(), ["+1 (202) 555-0100"]);
    assert_eq!(contact.texts("EMAIL").collect::<Vec<_>>(), ["anna@example.com"]);
    assert_eq!(contact.tags, [Tag { name: "telegram".to_owned() }]);
    kommo.delete_card(anna);
    assert!(account.contact(anna).await.unwrap().is_none());
    assert!(account.patch_contact(anna, &patch).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_chat_is_given_to_a_contact_and_moves_to_another() {
    let mut stage = TestStage::start().await;
    stage.allow_failures();
    stage.begin(LINES[0], ANNA).await;
    let account = account(&stage.kommo);
    let chat_id = stage.kommo.chat(&conversation(LINES[0], ANNA)).unwrap().chat_id;
    let made_by_the_message = stage.kommo.card_of_chat(&chat_id).unwrap();
    assert_eq!(account.contact_of_chat(&chat_id).await.unwrap(), Some(made_by_the_message));
    let other = stage.kommo.add_card("Anna", "");
    let link = NewChatLink { contact_id: other, chat_id: chat_id.clone() };
    for relinking_is_an_error in [true, false] {
        stage.kommo.relinking_is_an_error(relinking_is_an_error);
        account.link_chat(&link).await.unwrap();
    }
    assert_eq!(stage.kommo.card_of_chat(&chat_id), Some(other));
    assert_eq!(account.chats_of_contact(other).await.unwrap(), std::slice::from_ref(&chat_id));
    assert!(account.chats_of_contact(made_by_the_message).await.unwrap().is_empty());
    // It was done, and the answer tells nothing; then it was not.
    let odd = Fault::Status { code: 200, body: "{}".to_owned() };
    stage.kommo.rest_fault(Subject::ContactChats, odd.clone(), 1);
    account.link_chat(&link).await.unwrap();
    stage.kommo.rest_fault(Subject::ContactChats, odd, 1);
    let elsewhere = NewChatLink { contact_id: made_by_the_message, chat_id: chat_id.clone() };
    assert!(matches!(account.link_chat(&elsewhere).await, Err(RestError::ForeignAnswer(_))));
    let nobody = NewChatLink { contact_id: 1, chat_id };
    assert!(matches!(account.link_chat(&nobody).await, Err(RestError::Refused { .. })));
    stage.finish().await;
}

#[tokio::test]
async fn a_message_makes_an_incoming_lead_in_the_pipeline_of_its_source() {
    let stage = TestStage::start().await;
    stage.kommo.add_source("sales", "Sales", OTHER_PIPELINE);
    stage.begin(LINES[0], ANNA).await;
    stage.begin(LINES[1], ANNA).await;
    let pipelines: Vec<_> = stage.kommo.leads().iter().map(|lead| (lead.pipeline_id, lead.incoming)).collect();
    assert_eq!(pipelines, [(OTHER_PIPELINE, true), (MAIN_PIPELINE, true)], "an unknown source falls back in silence");
    let account = account(&stage.kommo);
    let contact = stage.kommo.cards()[0].id;
    assert!(account.search_contacts("Anna").await.unwrap().is_empty(), "nobody has accepted the lead");
    let lead = account.contact(contact).await.unwrap().unwrap().leads[0];
    let fields = account.lead_fields().await.unwrap();
    assert!(fields.iter().any(|field| field.r#type.as_deref() == Some("tracking_data")));
    let patch = EntityPatch {
        custom_fields_values: vec![text_field("UTM_SOURCE", "summer")],
        tags_to_add: vec![Tag { name: "summer".to_owned() }],
        ..EntityPatch::default()
    };
    account.patch_lead(lead, &patch).await.unwrap();
    let lead = account.lead(lead).await.unwrap().unwrap();
    assert_eq!((lead.pipeline_id, lead.contacts), (Some(OTHER_PIPELINE), vec![contact]));
    assert_eq!(lead.fields[0].texts().collect::<Vec<_>>(), ["summer"]);
    stage.kommo.accept(lead.id.unwrap());
    assert_eq!(account.search_contacts("Anna").await.unwrap().len(), 1);
    assert!(account.lead(1).await.unwrap().is_none());
    stage.finish().await;
}

#[tokio::test]
async fn templates_come_in_pages_and_have_a_limit() {
    let kommo = kommo();
    let account = account(&kommo);
    kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    kommo.set_most_templates(2);
    let template = NewTemplate {
        name: "Hello".to_owned(),
        content: "Hello, {{contact.name}}!".to_owned(),
        r#type: "amocrm",
        external_id: "hello".to_owned(),
        ..NewTemplate::default()
    };
    let hello = account.create_template(&template).await.unwrap();
    account.create_template(&NewTemplate { external_id: "again".to_owned(), ..template.clone() }).await.unwrap();
    let full = account.create_template(&template).await.unwrap_err();
    assert!(matches!(&full, RestError::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, .. }), "{full}");
    let change = TemplateChange { content: Some("Hi!".to_owned()), ..TemplateChange::default() };
    account.update_template(hello.id.unwrap(), &change).await.unwrap();
    assert_eq!(kommo.templates()[0].content["content"], json!("Hi!"));
    account.delete_template(hello.id.unwrap()).await.unwrap();
    let left = account.templates().await.unwrap();
    assert_eq!(left.iter().map(|it| it.external_id.as_deref()).collect::<Vec<_>>(), [Some("again")]);
    assert!(account.delete_template(hello.id.unwrap()).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_list_is_read_to_its_last_page() {
    let kommo = kommo();
    for number in 0..260 {
        kommo.add_card(&format!("Twin {number}"), "");
    }
    assert_eq!(account(&kommo).search_contacts("Twin").await.unwrap().len(), 260);
    let paths: Vec<_> = kommo.rest_requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
}

#[tokio::test]
async fn nothing_is_nothing_in_either_form() {
    for empty_lists in [EmptyLists::NoContent, EmptyLists::Listed] {
        let kommo = kommo();
        kommo.quirks(|quirks| quirks.empty_lists = empty_lists);
        kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
        let (account, settings) = (account(&kommo), kommo.settings());
        assert!(account.users().await.unwrap().is_empty());
        assert!(account.sources().await.unwrap().is_empty());
        assert!(account.templates().await.unwrap().is_empty());
        assert!(account.search_contacts("Anna").await.unwrap().is_empty());
        assert_eq!(account.contact_of_chat("none").await.unwrap(), None);
        assert!(account.chats_of_contact(7).await.unwrap().is_empty());
        assert!(account.contact(7).await.unwrap().is_none() && account.lead(7).await.unwrap().is_none());
        let signer = Signer::new(&settings.channel_secret);
        let url = kommo.url().parse().unwrap();
        let chats =
            Chats::new(&Egress::default(), url, &settings.scope_id(), signer, Duration::from_secs(5), 1000).unwrap();
        assert!(chats.history("none", 0).await.unwrap().is_empty());
        let requests = kommo.rest_requests();
        let nothing = requests.iter().filter(|it| it.status == Some(204)).count();
        assert_eq!(nothing, if empty_lists == EmptyLists::Listed { 2 } else { 8 }, "{requests:?}");
    }
}

#[tokio::test]
async fn a_note_stands_among_the_events_of_its_contact() {
    let kommo = kommo();
    let anna = kommo.add_card("Anna", "");
    let account = account(&kommo);
    account.note_on_contact(anna, "Hello".to_owned()).await.unwrap();
    assert_eq!(kommo.card(anna).unwrap().notes, ["Hello"]);
    assert!(account.note_on_contact(anna, " ".to_owned()).await.unwrap_err().to_string().contains("params.text"));
    assert!(account.note_on_contact(1, "Hello".to_owned()).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn the_limits_of_the_account_are_told() {
    let kommo = kommo();
    kommo.set_most_sources(1);
    kommo.add_source("sales", "Sales", MAIN_PIPELINE);
    let full = account(&kommo).create_source(&source("support")).await.unwrap_err();
    assert!(full.to_string().contains("limit of sources"), "{full}");
    kommo.rest_fault(Subject::Sources, Fault::Status { code: 204, body: String::new() }, 1);
    assert!(account(&kommo).sources().await.unwrap().is_empty());
}
