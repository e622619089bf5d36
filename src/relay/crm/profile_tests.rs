use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::*;
use crate::{
    domain::{
        address::{Conversation, SourceId, UserId},
        crm::CustomerProfile,
    },
    invite::InviteKey,
    kommo::region::PhoneRegion,
};

fn crm(username_field: Option<&str>, tags: &[&str]) -> Crm {
    Crm {
        account: None,
        invites: InviteKey::derive("secret"),
        campaigns: BTreeMap::new(),
        username_field: username_field.map(str::to_owned),
        contact_tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        phone_texts: None,
        phone_region: PhoneRegion { configured: None, account: None },
        hold_for: Duration::ZERO,
        writing: Arc::default(),
    }
}

fn ann(username: Option<&str>, phone: Option<&str>) -> StartContext {
    StartContext {
        update: 1,
        written_at: None,
        conversation: Conversation::new(SourceId::parse("sales").unwrap(), 7),
        customer: CustomerProfile { id: UserId(7), name: "Ann".to_owned(), username: username.map(str::to_owned) },
        language: None,
        phone: phone.map(str::to_owned),
        start: None,
    }
}

#[test]
fn what_was_told_is_not_told_again() {
    let crm = crm(Some("Telegram"), &["a", "b"]);
    let (first, told) = card(&crm, &ann(Some("ann"), None), SyncedProfile::default()).unwrap();
    assert_eq!((first.username.as_deref(), first.tags.len()), (Some("ann"), 2));
    assert_eq!(card(&crm, &ann(Some("ann"), None), told.clone()), None);
    assert_eq!(card(&crm, &ann(None, None), told.clone()), None, "a name that is gone takes nothing away");
    let (second, told) = card(&crm, &ann(Some("anna"), None), told).unwrap();
    assert_eq!((second.username.as_deref(), second.former_username.as_deref()), (Some("anna"), Some("ann")));
    assert!(second.tags.is_empty());
    let (third, _) = card(&crm, &ann(Some("anna"), Some("49151")), told).unwrap();
    assert_eq!((third.username, third.phone.as_deref()), (None, Some("49151")));
}

#[test]
fn a_name_is_told_anew_once_its_field_is_named_otherwise() {
    let (_, told) = card(&crm(Some("Telegramm"), &[]), &ann(Some("ann"), None), SyncedProfile::default()).unwrap();
    let right = crm(Some("Telegram"), &[]);
    let (card_, told) = card(&right, &ann(Some("ann"), None), told).unwrap();
    assert_eq!((card_.username.as_deref(), card_.former_username.as_deref()), (Some("ann"), Some("ann")));
    assert_eq!(card(&right, &ann(Some("ann"), None), told), None);
    let of_old = SyncedProfile { username: Some("ann".to_owned()), ..SyncedProfile::default() };
    assert_eq!(card(&right, &ann(Some("ann"), None), of_old), None);
}

#[test]
fn what_nobody_wants_is_not_told() {
    assert_eq!(card(&crm(None, &[]), &ann(Some("ann"), None), SyncedProfile::default()), None);
}
