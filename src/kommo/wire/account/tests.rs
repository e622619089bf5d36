use reqwest::StatusCode;
use serde_json::json;

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/kommo/account/", $name))
    };
}

#[test]
fn the_account_and_its_users_have_ids_in_the_chats_api() {
    let account: AccountInfo = serde_json::from_slice(fixture!("account.json")).unwrap();
    assert_eq!((account.id, account.subdomain.as_deref()), (Some(28_805_383), Some("example")));
    assert_eq!(account.amojo_id.as_deref(), Some("52e591f7-c98f-4255-8495-827210138c81"));
    let users: Page<User> = Page::decode(fixture!("users.json"), "users").unwrap();
    let ids: Vec<_> = users.items.iter().map(|user| user.amojo_id.as_deref()).collect();
    assert_eq!(ids, [Some("76fc2bea-902f-425c-9a3d-dcdac4766090"), None]);
}

#[test]
fn a_page_knows_whether_another_follows_and_skips_unreadable_items() {
    let page: Page<KnownField> = Page::decode(fixture!("page_1.json"), "custom_fields").unwrap();
    assert!(page.more);
    let codes: Vec<_> = page.items.iter().map(|field| field.code.as_deref()).collect();
    assert_eq!(codes, [Some("UTM_SOURCE"), None]);
    assert!(!Page::<KnownSource>::decode(fixture!("sources.json"), "sources").unwrap().more);
    for foreign in ["", "[]", "{}", "<html>", r#"{"_embedded":{"leads":[]}}"#, r#"{"_embedded":{"sources":7}}"#] {
        assert!(Page::<KnownSource>::decode(foreign.as_bytes(), "sources").is_none(), "{foreign}");
    }
}

#[test]
fn a_contact_has_phones_tags_and_leads() {
    let contact: Contact = serde_json::from_slice(fixture!("contact.json")).unwrap();
    assert_eq!(contact.texts("PHONE").collect::<Vec<_>>(), ["+79123", "+79121234567"]);
    assert_eq!(contact.texts("EMAIL").count(), 0);
    assert_eq!(contact.tags, [Tag { name: "telegram".to_owned() }]);
    assert_eq!((contact.id, contact.leads), (Some(3), vec![1, 3_916_883]));
}

#[test]
fn unreadable_fields_do_not_count_as_empty() {
    assert!(serde_json::from_str::<Contact>(r#"{"id":3,"custom_fields_values":{"PHONE":"+7"}}"#).is_err());
    assert!(serde_json::from_str::<Lead>(r#"{"id":3,"custom_fields_values":"none"}"#).is_err());
    let contact: Contact = serde_json::from_str(r#"{"id":3,"custom_fields_values":null}"#).unwrap();
    assert!(contact.fields.is_empty());
}

#[test]
fn each_format_of_an_error_is_read() {
    let validation = Problem::decode(fixture!("problem_validation.json"));
    assert!(validation.has("NotSupportedChoice"), "{validation:?}");
    let batch = Problem::decode(fixture!("problem_batch_delete.json"));
    assert_eq!(batch.to_string(), "id: EntityNotFound (Entity not found)");
    let flat = Problem::decode(br#"{"validation-errors":[{"code":"FieldMissing","path":"name"}]}"#);
    assert_eq!(flat.to_string(), "name: FieldMissing");
    assert_eq!(Problem::decode(fixture!("problem_unauthorized.json")).to_string(), "Unauthorized");
    for blank in ["", "<html>", "[]", "7"] {
        assert_eq!(Problem::of_kommo(StatusCode::BAD_REQUEST, blank.as_bytes()), None, "{blank}");
    }
    let long = Problem::decode(json!({ "detail": "a\nb".repeat(1000) }).to_string().as_bytes()).to_string();
    assert_eq!((long.chars().count(), long.contains('\n')), (200, false));
}

#[test]
fn requests_have_the_documented_format_only() {
    let source = NewSource {
        name: "Telegram @acme_bot".to_owned(),
        external_id: "sales".to_owned(),
        pipeline_id: Some(1300),
        default: None,
        origin_code: None,
    };
    let cases = [
        (json!(source), json!({ "name": "Telegram @acme_bot", "external_id": "sales", "pipeline_id": 1300 })),
        (
            json!(SourceChange { id: 9619, default: Some(true), ..<_>::default() }),
            json!({ "id": 9619, "default": true }),
        ),
        (
            json!(NewChatLink { contact_id: 3, chat_id: "6cbab3d5".to_owned() }),
            json!({ "contact_id": 3, "chat_id": "6cbab3d5" }),
        ),
        (json!(EntityPatch::default()), json!({})),
        (
            json!(EntityPatch {
                custom_fields_values: vec![FieldPatch {
                    field_id: None,
                    field_code: Some("PHONE".to_owned()),
                    values: vec![ValuePatch {
                        value: "+79121234567".into(),
                        enum_id: None,
                        enum_code: Some("MOB".to_owned())
                    }],
                }],
                tags_to_add: vec![Tag { name: "telegram".to_owned() }],
                ..EntityPatch::default()
            }),
            json!({
                "custom_fields_values":
                    [{ "field_code": "PHONE", "values": [{ "value": "+79121234567", "enum_code": "MOB" }] }],
                "tags_to_add": [{ "name": "telegram" }],
            }),
        ),
    ];
    for (ours, documented) in cases {
        assert_eq!(ours, documented);
    }
}
