//! Whose chat it is in the account, and what is written down there. No message waits for any of it.

use std::time::Duration;

use telekommo::{
    clock,
    domain::{address::SourceId, time::UnixMillis},
    invite::{Invitation, InviteKey},
    sandbox::{
        harness::{Harness, Line},
        kommo::{Card, Rate},
    },
};

use crate::support::{TestStage, conversation};

mod campaigns;
mod crowd;
mod links;
mod notes;
mod phones;

/// Settings with the account's address and a token.
const ACCOUNT: &str = r#"
kommo.account_url = "{account_url}"
kommo.access_token = "{access_token}"
"#;

/// A stage with a token, on which the account may be asked as often as the bridge likes.
pub(super) async fn with_account(settings: &str) -> TestStage {
    let stage = TestStage::with(&format!("{ACCOUNT}{settings}")).await;
    stage.kommo.set_rest_rate(Rate { per_second: 1000, ..Rate::default() });
    stage
}

/// What opens the bot of `line` for a contact, good for so long. Each is another link.
fn start(stage: &Harness, line: Line, contact: u64, valid: Duration) -> String {
    let end = clock::now().plus(valid).seconds();
    let expires_at_seconds = u32::try_from(end).unwrap();
    let nonce = UnixMillis(clock::now().0).0.wrapping_mul(i64::try_from(contact).unwrap()).to_be_bytes();
    let key = InviteKey::derive(&stage.kommo.settings().channel_secret);
    let source = SourceId::parse(line.source).unwrap();
    format!("/start {}", key.seal(&Invitation { contact, expires_at_seconds, nonce }, &source))
}

const HOUR: Duration = Duration::from_hours(1);

/// The contact of a conversation's chat.
pub(super) fn contact(stage: &Harness, line: Line, customer: i64) -> Option<u64> {
    stage.kommo.card_of_chat(&stage.kommo.chat(&conversation(line, customer))?.chat_id)
}

fn card(stage: &Harness, line: Line, customer: i64) -> Option<Card> {
    stage.kommo.card(contact(stage, line, customer)?)
}
