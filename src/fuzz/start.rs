//! Payloads of `/start`: signed invitations, names of campaigns, and other texts.

use serde_json::json;

use crate::{
    domain::{address::SourceId, time::UnixMillis},
    fuzz::{
        event::{self, Circumstances},
        input::Input,
    },
    invite::{BadInvitation, CHARS, Invitation, InviteKey, LARGEST_CONTACT},
    translate::from_telegram::{Received, without_payload},
};

const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

/// A byte for the settings, twenty bytes for an invitation, and a payload.
pub(super) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let circumstances = Circumstances::of(input.byte());
    let invitation = Invitation {
        contact: input.number() & LARGEST_CONTACT,
        expires_at_seconds: u32::try_from(input.number() >> 32).unwrap_or_default(),
        nonce: input.number().to_be_bytes(),
    };
    let source = SourceId::parse("sales").expect("it is one");
    let key = InviteKey::derive("0123456789abcdef0123456789abcdef01234567");
    let sealed = key.seal(&invitation, &source);
    round_trip(&key, &invitation, &sealed, &source);
    let payload = String::from_utf8_lossy(input.rest());
    forged(&key, &payload, &sealed, &source);
    for payload in [payload.as_ref(), &sealed] {
        command(payload, circumstances, &source);
    }
}

fn round_trip(key: &InviteKey, invitation: &Invitation, sealed: &str, source: &SourceId) {
    assert_eq!(sealed.len(), CHARS);
    assert!(sealed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'), "{sealed}");
    let end = invitation.expires_at();
    let opened = key.open(sealed, source, NOW);
    assert_eq!(opened, Some(if NOW < end { Ok(*invitation) } else { Err(BadInvitation::Expired) }));
    assert_eq!(key.open(sealed, source, end), Some(Err(BadInvitation::Expired)));
    assert_eq!(key.open(sealed, source, UnixMillis(end.0 - 1)), Some(Ok(*invitation)));
    let another = SourceId::parse("sales2").expect("it is one");
    assert_eq!(key.open(sealed, &another, UnixMillis(0)), Some(Err(BadInvitation::Forged)));
    assert_eq!(InviteKey::derive("another").open(sealed, source, UnixMillis(0)), Some(Err(BadInvitation::Forged)));
    for at in 0..CHARS {
        let other = if sealed.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = [&sealed[..at], other, &sealed[at + 1..]].concat();
        assert_eq!(key.open(&changed, source, UnixMillis(0)), Some(Err(BadInvitation::Forged)), "{changed}");
    }
}

/// Only sealed payloads are opened, in their canonical encoding.
fn forged(key: &InviteKey, payload: &str, sealed: &str, source: &SourceId) {
    if let Some(Ok(invitation)) = key.open(payload, source, UnixMillis(0)) {
        assert_eq!(key.seal(&invitation, source), payload);
    }
    let beside = [format!("{sealed}="), format!(" {sealed}"), sealed[1..].to_owned(), format!("{sealed}A")];
    assert!(beside.iter().all(|other| !matches!(key.open(other, source, UnixMillis(0)), Some(Ok(_)))));
}

/// The command is read by Telegram's format, and managers never see an invitation.
fn command(payload: &str, circumstances: Circumstances, source: &SourceId) {
    let text = format!("/start {payload}");
    let person = json!({ "id": 777, "first_name": "Ann", "type": "private" });
    let message = json!({ "message_id": 5, "date": 1, "chat": person, "from": person, "text": text });
    let raw = json!({ "update_id": 1, "message": message }).to_string();
    let found = Received::read(&raw).start_context(source).expect("a person has written to the bot");
    let is_name = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    let fits = payload.len() <= 64 && payload.bytes().all(is_name);
    assert_eq!(found.start.as_deref(), Some(payload).filter(|_| fits));
    let relayed = event::relayed(&raw, circumstances).expect("a command is a message");
    let is_hidden = fits && payload.len() == CHARS;
    assert_eq!(relayed.trim_end(), if is_hidden { "/start" } else { text.trim_end() });
    assert_eq!(without_payload(text.clone(), |_| false), text);
    assert_eq!(without_payload(text.clone(), |_| true), if fits { "/start" } else { text.as_str() });
}
