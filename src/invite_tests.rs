use proptest::prelude::*;

use super::*;

const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

fn key() -> InviteKey {
    InviteKey::derive("0123456789abcdef0123456789abcdef01234567")
}

fn sales() -> SourceId {
    SourceId::parse("sales").unwrap()
}

fn invitation() -> Invitation {
    Invitation { contact: 3_102_959, expires_at_seconds: 1_786_017_601, nonce: [1, 2, 3, 4, 5, 6, 7, 255] }
}

#[test]
fn a_payload_never_changes_its_form() {
    // Links that were given away have to be understood by later versions.
    assert_eq!(key().seal(&invitation(), &sales()), "AQAAAAAvWO9qdHdBAQIDBAUGB__dkFqAR2y2OX_c7WanUpSy");
}

#[test]
fn a_link_is_of_one_bot_and_one_channel_and_ends() {
    let payload = key().seal(&invitation(), &sales());
    assert_eq!(key().open(&payload, &sales(), NOW), Some(Ok(invitation())));
    let support = SourceId::parse("support").unwrap();
    assert_eq!(key().open(&payload, &support, NOW), Some(Err(BadInvitation::Forged)));
    let other = InviteKey::derive("1123456789abcdef0123456789abcdef01234567");
    assert_eq!(other.open(&payload, &sales(), NOW), Some(Err(BadInvitation::Forged)));
    let later = UnixMillis(NOW.0 + 1000);
    assert_eq!(key().open(&payload, &sales(), later), Some(Err(BadInvitation::Expired)));
}

#[test]
fn other_payloads_have_not_even_the_shape() {
    let payload = key().seal(&invitation(), &sales());
    for other in
        ["", "summer", &payload[1..], &format!("{payload}A"), &format!("{payload}="), &payload.replace('A', "+")]
    {
        assert_eq!(key().open(other, &sales(), NOW), None, "{other}");
    }
}

proptest! {
    #[test]
    fn every_invitation_fits_and_comes_back(contact in 0..=LARGEST_CONTACT, after in 1_786_017_601_u32.., nonce: [u8; 8]) {
        let invitation = Invitation { contact, expires_at_seconds: after, nonce };
        let payload = key().seal(&invitation, &sales());
        prop_assert_eq!(payload.len(), CHARS);
        prop_assert!(payload.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
        prop_assert_eq!(key().open(&payload, &sales(), NOW), Some(Ok(invitation)));
    }

    #[test]
    fn whoever_changes_any_character_links_nobody(at in 0..CHARS, other in "[A-Za-z0-9_-]") {
        let payload = key().seal(&invitation(), &sales());
        let changed = format!("{}{other}{}", &payload[..at], &payload[at + 1..]);
        let opened = key().open(&changed, &sales(), NOW);
        prop_assert_eq!(opened, Some(if changed == payload { Ok(invitation()) } else { Err(BadInvitation::Forged) }));
    }

    #[test]
    fn nobody_guesses_one(guess in "[A-Za-z0-9_-]{0,64}") {
        prop_assert!(!matches!(key().open(&guess, &sales(), NOW), Some(Ok(_))));
    }
}
