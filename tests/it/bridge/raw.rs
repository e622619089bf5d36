//! Hooks written by hand, for what a well-behaved Kommo would not send.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use telekommo::sandbox::{
    harness::{Harness, Line},
    kommo::{HookAnswer, SignatureMode},
};

use crate::support::conversation;

/// A manager's message whose hook the test writes by hand: Kommo has it, and nobody was told.
pub(super) async fn unannounced(stage: &Harness, line: Line, customer: i64, text: &str) -> String {
    let bridge = stage.bridge().expect("the bridge runs").public_addr();
    stage.kommo.set_hook_url("http://127.0.0.1:1/");
    let (id, answer) = stage.kommo.reply(&conversation(line, customer), "Maria", text).await;
    assert_eq!(answer.status, None);
    stage.hooks_go_to(bridge);
    id
}

/// A message hook, to be altered.
pub(super) fn message(id: &str, conversation_id: &str, text: &str) -> Value {
    let now = telekommo::clock::now();
    json!({
        "account_id": "52e591f7-c98f-4255-8495-827210138c81",
        "time": now.seconds(),
        "message": {
            "receiver": { "id": "2ed64e26-70a1-4857-8382-bb066a076219", "phone": "", "email": "" },
            "sender": { "id": "76fc2bea-902f-425c-9a3d-dcdac4766090", "name": "Maria" },
            "conversation": { "id": "8e4d4baa-9e6c-4a88-838a-5f62be227bdc", "client_id": conversation_id },
            "timestamp": now.seconds(),
            "msec_timestamp": now.0,
            "message": { "id": id, "type": "text", "text": text, "media": "", "file_name": "", "file_size": 0 },
        },
    })
}

/// The bytes of a hook as Kommo sends them, with the newline that is not signed.
pub(super) fn bytes(hook: &Value) -> Vec<u8> {
    format!("{hook}\n").into_bytes()
}

/// Kommo's signature of a hook's bytes.
pub(super) fn signature(stage: &Harness, bytes: &[u8]) -> String {
    let secret = stage.kommo.settings().channel_secret.clone();
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    let signed = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap());
    mac.chain_update(signed).finalize().into_bytes().iter().flat_map(digits).collect()
}

/// Sends a hook, signed as Kommo does.
pub(super) async fn send(stage: &Harness, hook: &Value) -> HookAnswer {
    stage.kommo.send_hook(bytes(hook), SignatureMode::Valid).await
}
