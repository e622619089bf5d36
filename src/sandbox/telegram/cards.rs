//! Places and contacts that bots send.

use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage, Piece,
        arguments::Arguments,
        methods::{Answer, Refusal},
        sending,
        world::World,
    },
};

/// `sendLocation`.
pub(super) fn send_location(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    let value = location(arguments, "invalid location specified")?;
    send(world, token, arguments, now, "location", value)
}

/// `sendVenue`.
pub(super) fn send_venue(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    let location = location(arguments, "wrong venue location specified")?;
    let text = |name: &str| arguments.text(name).unwrap_or_default();
    let value = json!({ "location": location, "title": text("title"), "address": text("address") });
    send(world, token, arguments, now, "venue", value)
}

/// `sendContact`.
pub(super) fn send_contact(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis) -> Answer {
    let mut value = json!({});
    for (name, is_required) in [("phone_number", true), ("first_name", true), ("last_name", false), ("vcard", false)] {
        match arguments.text(name) {
            Some(text) => value[name] = json!(text),
            None if is_required => return Err(Refusal::bad(&format!("parameter \"{name}\" is required"))),
            None => {}
        }
    }
    send(world, token, arguments, now, "contact", value)
}

fn send(world: &mut World, token: &str, arguments: &Arguments, now: UnixMillis, field: &str, value: Value) -> Answer {
    sending::send(world, token, arguments, now, |_| {
        Ok(ChatMessage { piece: Some(Piece { field: field.to_owned(), value }), ..ChatMessage::default() })
    })
}

/// Reads a place on earth.
fn location(arguments: &Arguments, wrong: &str) -> Result<Value, Refusal> {
    let read = |name: &str, most: f64| {
        let given = arguments.text(name).ok_or_else(|| Refusal::bad(&format!("{name} is empty")))?;
        let degrees = given.trim().parse().ok().filter(|degrees: &f64| degrees.abs() <= most);
        degrees.ok_or_else(|| Refusal::bad(wrong))
    };
    Ok(json!({ "latitude": read("latitude", 90.0)?, "longitude": read("longitude", 180.0)? }))
}
