//! Test vectors: those of the official step-by-step page, and others beyond ASCII, computed with another language.

use super::*;

const OFFICIAL_SECRET: &str = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e";
const OWN_SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

/// Method, path, date, body, MD5, signature.
const OFFICIAL: [[&str; 6]; 4] = [
    [
        "POST",
        "/v2/origin/custom/344a5002-f8ca-454d-af3d-396180102ac7/connect",
        "Wed, 15 Dec 2021 23:12:55 +0000",
        r#"{"account_id":"52e591f7-c98f-4255-8495-827210138c81","title":"ChatsIntegration","hook_api_version":"v2"}"#,
        "2fbcb3c652b61e24e004daddfc73d0ce",
        "81211856ce0c5095f3e1a90c0a38dc9d736cfd55",
    ],
    [
        "DELETE",
        "/v2/origin/custom/344a5002-f8ca-454d-af3d-396180102ac7/disconnect",
        "Wed, 15 Dec 2021 23:59:28 +0000",
        r#"{"account_id":"52e591f7-c98f-4255-8495-827210138c81"}"#,
        "271fa2e4fb0ff84a3ef9689027bd1f38",
        "e1678e3b6aa674b5127f4feb448e6200ce0bfc72",
    ],
    [
        "POST",
        "/v2/origin/custom/344a5002-f8ca-454d-af3d-396180102ac7_52e591f7-c98f-4255-8495-827210138c81/079e44fb-fc22-476b-9e8a-421b688ec53b/delivery_status",
        "Thu, 16 Dec 2021 12:58:40 +0000",
        r#"{"msgid":"079e44fb-fc22-476b-9e8a-421b688ec53b","delivery_status":2,"error_code":905,"error":"Error text"}"#,
        "a0bbbac729c6341f0a521e2db7a8a236",
        "ca51f810785031385a801f41103244713c1a2352",
    ],
    [
        "POST",
        "/v2/origin/custom/344a5002-f8ca-454d-af3d-396180102ac7_52e591f7-c98f-4255-8495-827210138c81/typing",
        "Thu, 16 Dec 2021 16:01:21 +0000",
        r#"{"conversation_id":"my_int-d5a421f7f218","sender":{"id":"my_int-1376265f-86df-4c49-a0c3-a4816df41af8"}}"#,
        "255a22566d68be207fa36804e78a523a",
        "e8263b1daf2b20396c02db6c8c846f95cc0f9540",
    ],
];

/// The official vectors whose bodies are given only by their MD5: path suffix, date, MD5, signature.
const OFFICIAL_BY_MD5: [[&str; 4]; 3] = [
    [
        "",
        "Thu, 16 Dec 2021 13:15:29 +0000",
        "223ef85def871bc7cb58aa6f02f0a26e",
        "29b49e9eaf03f13a66ecaff315f2855b31b25eee",
    ],
    [
        "",
        "Fri, 17 Dec 2021 10:59:28 +0000",
        "353178c993f09a8ec5f3eab4093b753e",
        "e895539b52051e1a8d3f89d454c7ad7406705234",
    ],
    [
        "/chats",
        "Thu, 16 Dec 2021 23:22:49 +0000",
        "5139e573382c0eae38f476822abb2014",
        "a601e486d694c8e7e8a5b637660f949f8bb7efaf",
    ],
];

#[test]
fn the_official_vectors_are_reproduced() {
    for [method, path, date, body, md5, signature] in OFFICIAL {
        let want = Signature { content_md5: md5.to_owned(), x_signature: signature.to_owned() };
        assert_eq!(Signer::new(OFFICIAL_SECRET).sign(method, path, date, body.as_bytes()), want, "{path}");
    }
}

#[test]
fn the_official_vectors_without_bodies_are_reproduced_from_their_md5() {
    const SCOPE: &str = "/v2/origin/custom/344a5002-f8ca-454d-af3d-396180102ac7_52e591f7-c98f-4255-8495-827210138c81";
    for [suffix, date, md5, signature] in OFFICIAL_BY_MD5 {
        let path = format!("{SCOPE}{suffix}");
        assert_eq!(Signer::new(OFFICIAL_SECRET).sign_digest("POST", &path, date, md5), signature, "{path} {date}");
    }
}

#[test]
fn a_body_beyond_ascii_is_signed_by_its_bytes() {
    const PATH: &str = "/v2/origin/custom/11111111-2222-4333-8444-555555555555_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    let body = include_bytes!("../../tests/fixtures/kommo/new_message_text.json");
    assert_eq!(body.len(), 282);
    let signature = Signer::new(OWN_SECRET).sign("POST", PATH, "Thu, 06 Aug 2026 12:00:00 +0000", body);
    assert_eq!(signature.content_md5, "58e0f7ba10de7b53e5e21d5502557038");
    assert_eq!(signature.x_signature, "b1b558f489f3af6ead93991b9d7f45883b9dc5ef");
}

#[test]
fn an_empty_body_is_signed_and_the_query_is_not() {
    const PATH: &str = "/v2/origin/custom/11111111-2222-4333-8444-555555555555_aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/chats/99999999-8888-4777-8666-555555555555/history";
    let signature = Signer::new(OWN_SECRET).sign("GET", PATH, "Thu, 06 Aug 2026 12:00:00 +0000", b"");
    assert_eq!(signature.content_md5, "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(signature.x_signature, "bc959ea932f05d88c34b3c65729e9c07924f0571");
}

const HOOK: &[u8] = include_bytes!("../../tests/fixtures/kommo/hook_text.json");
const HOOK_SIGNATURE: &str = "231841b7af87d155745f3789b9a8896b953d3085";
/// What a signature over the body with its newline would be; Kommo does not send it.
const NEWLINE_SIGNATURE: &str = "f07f1083de9c8339699484ba1a581fd20b66b759";

#[test]
fn a_hook_is_verified_with_and_without_its_unsigned_newline() {
    assert_eq!(HOOK.len(), 473);
    let signer = Signer::new(OWN_SECRET);
    for tail in ["", "\n", "\r\n"] {
        let body = Bytes::from([HOOK, tail.as_bytes()].concat());
        let verified = signer.verify(&body, Some(HOOK_SIGNATURE)).expect(tail);
        assert_eq!(verified.bytes(), HOOK);
    }
    assert!(signer.verify(&Bytes::from_static(HOOK), Some(&HOOK_SIGNATURE.to_uppercase())).is_ok());
}

#[test]
fn a_body_that_was_signed_with_its_newline_is_taken_as_it_came() {
    let body = Bytes::from([HOOK, b"\n"].concat());
    assert_eq!(Signer::new(OWN_SECRET).verify(&body, Some(NEWLINE_SIGNATURE)), Ok(Verified(body)));
}

#[test]
fn everything_else_is_refused() {
    let signer = Signer::new(OWN_SECRET);
    let mut changed = HOOK.to_vec();
    changed[5] ^= 1;
    let body = Bytes::from_static(HOOK);
    assert_eq!(signer.verify(&Bytes::from(changed), Some(HOOK_SIGNATURE)), Err(BadSignature));
    assert_eq!(Signer::new(OFFICIAL_SECRET).verify(&body, Some(HOOK_SIGNATURE)), Err(BadSignature));
    for wrong in [None, Some(""), Some("zz"), Some("é"), Some(&HOOK_SIGNATURE[..39]), Some(&HOOK_SIGNATURE[..38])] {
        assert_eq!(signer.verify(&body, wrong), Err(BadSignature), "{wrong:?}");
    }
}
