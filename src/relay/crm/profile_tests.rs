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
fn what_was_recorded_is_not_recorded_again() {
    let crm = crm(Some("Telegram"), &["a", "b"]);
    let (first, synced) = patch(&crm, &ann(Some("ann"), None), SyncedProfile::default()).unwrap();
    assert_eq!((first.username.as_deref(), first.tags.len()), (Some("ann"), 2));
    assert_eq!(patch(&crm, &ann(Some("ann"), None), synced.clone()), None);
    assert_eq!(patch(&crm, &ann(None, None), synced.clone()), None, "a removed name removes nothing");
    let (second, synced) = patch(&crm, &ann(Some("anna"), None), synced).unwrap();
    assert_eq!((second.username.as_deref(), second.former_username.as_deref()), (Some("anna"), Some("ann")));
    assert!(second.tags.is_empty());
    let (third, _) = patch(&crm, &ann(Some("anna"), Some("49151")), synced).unwrap();
    assert_eq!((third.username, third.phone.as_deref()), (None, Some("49151")));
}

#[test]
fn a_name_is_recorded_again_once_another_field_is_configured() {
    let (_, synced) = patch(&crm(Some("Telegramm"), &[]), &ann(Some("ann"), None), SyncedProfile::default()).unwrap();
    let right = crm(Some("Telegram"), &[]);
    let (patched, synced) = patch(&right, &ann(Some("ann"), None), synced).unwrap();
    assert_eq!((patched.username.as_deref(), patched.former_username.as_deref()), (Some("ann"), Some("ann")));
    assert_eq!(patch(&right, &ann(Some("ann"), None), synced), None);
    let of_old = SyncedProfile { username: Some("ann".to_owned()), ..SyncedProfile::default() };
    assert_eq!(patch(&right, &ann(Some("ann"), None), of_old), None);
}

#[test]
fn what_is_not_configured_is_not_recorded() {
    assert_eq!(patch(&crm(None, &[]), &ann(Some("ann"), None), SyncedProfile::default()), None);
}
