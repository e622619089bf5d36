use serde_json::{Value, json};

use super::{
    contact::{with_phone, with_username},
    lead::with_utm,
    *,
};
use crate::{
    domain::crm::ContactPatch,
    kommo::wire::account::{Contact, KnownField, Lead},
};

fn contact(fields: &Value) -> Contact {
    serde_json::from_str(&json!({ "id": 3, "custom_fields_values": fields }).to_string()).unwrap()
}

fn card(former: Option<&str>) -> ContactPatch {
    ContactPatch { former_username: former.map(str::to_owned), ..ContactPatch::default() }
}

#[test]
fn a_number_is_added_to_existing_ones_unchanged() {
    let values = json!([{ "value": "+1 555", "enum_id": 7, "enum_code": "WORK" }, { "value": "12", "enum_id": 9 }]);
    let contact = contact(&json!([{ "field_id": 1, "field_code": "PHONE", "values": values }]));
    let patch = json!(with_phone(&contact, "49151", None).unwrap());
    let want = json!({ "field_code": "PHONE", "values": [
        { "value": "+1 555", "enum_code": "WORK" },
        { "value": "12", "enum_id": 9 },
        { "value": "+49151", "enum_code": "MOB" },
    ]});
    assert_eq!(patch, want);
    assert_eq!(with_phone(&contact, "1555", None), None);
}

#[test]
fn numbers_that_cannot_be_read_stay() {
    for odd in [json!("+1 555"), json!(["+1 555"]), json!(7)] {
        let values = json!([{ "value": "+1 555" }, odd]);
        let contact = contact(&json!([{ "field_id": 1, "field_code": "PHONE", "values": values }]));
        assert_eq!(with_phone(&contact, "49151", None), None, "{odd}");
    }
    let number = json!([{ "value": 49151 }, { "value": null }]);
    let contact = contact(&json!([{ "field_id": 1, "field_code": "PHONE", "values": number }]));
    assert_eq!(with_phone(&contact, "49151", None), None);
    let values = json!(with_phone(&contact, "1555", None).unwrap().values);
    assert_eq!(values, json!([{ "value": 49151 }, { "value": "+1555", "enum_code": "MOB" }]));
}

#[test]
fn a_public_name_that_a_person_wrote_stays() {
    let holding = |text: &str| contact(&json!([{ "field_id": 5, "values": [{ "value": text }] }]));
    let patched = |contact: &Contact, former| with_username(contact, 5, "anna", &card(former)).is_some();
    assert!(patched(&contact(&Value::Null), None));
    assert!(!patched(&holding("call me Ann"), None));
    assert!(!patched(&holding("call me Ann"), Some("ann")));
    assert!(patched(&holding("@Ann"), Some("ann")));
    assert!(patched(&holding(""), None));
    let with = |values: Value| contact(&json!([{ "field_id": 5, "values": values }]));
    for other in [json!([{ "value": 7 }]), json!([{ "value": false }]), json!(["Ann"]), json!({ "0": "Ann" })] {
        assert!(!patched(&with(other.clone()), Some("ann")), "{other}");
    }
    assert!(!patched(&with(json!([{ "value": "ann" }, { "value": "call me" }])), Some("ann")));
}

#[test]
fn existing_tags_are_not_added() {
    let existing = [Tag { name: "Summer".to_owned() }];
    let tags = ["summer".to_owned(), "boats".to_owned()];
    assert_eq!(new_tags(&tags, &existing), [Tag { name: "boats".to_owned() }]);
}

#[test]
fn tracking_fields_are_found_by_code_and_type_and_never_overwritten() {
    let field = |id, code: Option<&str>, name: &str, kind: &str| KnownField {
        id: Some(id),
        name: Some(name.to_owned()),
        code: code.map(str::to_owned),
        r#type: Some(kind.to_owned()),
    };
    let fields = [
        field(1, Some("UTM_SOURCE"), "utm_source", "text"),
        field(2, Some("UTM_SOURCE"), "Source", "tracking_data"),
        field(3, None, "utm_medium", "tracking_data"),
    ];
    let lead = |values: Value| {
        serde_json::from_str::<Lead>(&json!({ "id": 1, "custom_fields_values": values }).to_string()).unwrap()
    };
    let found = |lead: &Lead, end| with_utm(lead, &fields, end, "x").and_then(|patch| patch.field_id);
    let blank = lead(Value::Null);
    assert_eq!(["source", "medium", "term"].map(|end| found(&blank, end)), [Some(2), Some(3), None]);
    let filled = lead(json!([{ "field_id": 2, "values": [{ "value": "instagram" }] }]));
    assert_eq!(found(&filled, "source"), None);
    let odd = lead(json!([{ "field_id": 2, "values": [{ "value": 7 }] }, { "field_id": 3, "values": "instagram" }]));
    assert_eq!(["source", "medium"].map(|end| found(&odd, end)), [None, None]);
}
