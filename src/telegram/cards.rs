//! Sends locations and contacts.

use serde::Serialize;
use serde_json::{Value, value::RawValue};
use teloxide::requests::Payload;

use crate::{
    domain::{address::TelegramChat, keyboard::Keyboard},
    telegram::{
        bot::Bot,
        error::CallError,
        failure,
        routing::{ReplyParameters, Target},
        wire::vcard,
    },
};

/// `sendLocation`.
#[derive(Serialize)]
struct SendLocation {
    #[serde(flatten)]
    to: Target,
    latitude: f64,
    longitude: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_parameters: Option<ReplyParameters>,
}

impl Payload for SendLocation {
    type Output = Value;
    const NAME: &'static str = "SendLocation";
}

/// `sendContact`.
#[derive(Serialize)]
struct SendContact {
    #[serde(flatten)]
    to: Target,
    phone_number: String,
    first_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    vcard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_parameters: Option<ReplyParameters>,
}

impl Payload for SendContact {
    type Output = Value;
    const NAME: &'static str = "SendContact";
}

impl Bot {
    /// Sends a location, in millionths of a degree north and east.
    pub(super) async fn send_location(
        &self,
        to: &Target,
        (latitude, longitude): (i64, i64),
        reply_parameters: Option<ReplyParameters>,
    ) -> Result<Box<RawValue>, CallError> {
        let (latitude, longitude) = (degrees(latitude), degrees(longitude));
        let payload = SendLocation { to: to.clone(), latitude, longitude, reply_parameters };
        self.sender.call(&payload).await
    }

    /// Sends a contact. If Telegram refuses it, or if its numbers do not fit into a vCard, the customer gets it as a
    /// text, because a contact without a vCard shows the first number only.
    pub(super) async fn send_contact(
        &self,
        (chat, to): (TelegramChat, &Target),
        (phone, name, more): (&str, &str, &[String]),
        reply_parameters: Option<ReplyParameters>,
    ) -> Result<Box<RawValue>, CallError> {
        let (phone_number, first_name) = (phone.to_owned(), name.to_owned());
        let all = || std::iter::once(phone).chain(more.iter().map(String::as_str));
        // Apps show the numbers of the vCard if there is one.
        let vcard = if more.is_empty() { None } else { vcard::write(name, all()) };
        let text = || as_text(name, all());
        if vcard.is_none() && !more.is_empty() {
            tracing::info!(source = %self.source(), "too many numbers for a contact, so it is sent as text");
            return self.send_text((chat, to), &text(), &Keyboard::default(), reply_parameters).await;
        }
        let payload = SendContact { to: to.clone(), phone_number, first_name, vcard, reply_parameters };
        match self.sender.call(&payload).await {
            Err(error) if failure::is_about_content(&error) && failure::redirect(&error).is_none() => {
                tracing::warn!(source = %self.source(), %error, "Telegram refuses this contact, so it is sent as text");
                self.acquire().await;
                self.send_text((chat, to), &text(), &Keyboard::default(), reply_parameters).await
            }
            answer => answer,
        }
    }
}

fn as_text<'p>(name: &'p str, phones: impl Iterator<Item = &'p str>) -> String {
    let name = std::iter::once(name);
    name.clone().chain(phones.filter(|phone| !name.clone().any(|name| name == *phone))).collect::<Vec<_>>().join(", ")
}

/// The microdegrees of every place on earth fit into 32 bits.
fn degrees(microdegrees: i64) -> f64 {
    f64::from(i32::try_from(microdegrees).unwrap_or_default()) / 1e6
}
