//! Buttons in place of the customer's keyboard: pressing one writes what stands on it.

use serde::Deserialize;
use serde_json::json;

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{ChatMessage, FakeTelegram, Piece, methods::Refusal, world::World},
};

/// Buttons in place of the customer's keyboard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyKeyboard {
    /// The buttons, in rows.
    pub rows: Vec<Vec<ReplyKey>>,
    /// Whether it hides once a button was pressed.
    pub is_one_time: bool,
    /// Whether it is only as high as its buttons.
    pub is_resized: bool,
    /// Whether the customer cannot hide it.
    pub is_persistent: bool,
}

/// A button in place of the customer's keyboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyKey {
    /// What stands on it, and is written when it is pressed.
    pub text: String,
    /// What it sends instead, if it does.
    pub asks: Option<Asks>,
}

/// What a button asks the customer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Their phone number.
    Contact,
    Location,
}

/// `ReplyKeyboardMarkup`.
#[derive(Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    keyboard: Vec<Vec<Button>>,
    #[serde(default)]
    one_time_keyboard: bool,
    #[serde(default)]
    resize_keyboard: bool,
    #[serde(default)]
    is_persistent: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Button {
    Text(String),
    Full {
        text: String,
        #[serde(default)]
        request_contact: bool,
        #[serde(default)]
        request_location: bool,
    },
}

/// Reads a keyboard, if there is one.
pub(super) fn read(written: Written) -> Result<Option<ReplyKeyboard>, Refusal> {
    let rows: Result<Vec<Vec<ReplyKey>>, Refusal> =
        written.keyboard.into_iter().map(|row| row.into_iter().map(key).collect()).collect();
    let rows: Vec<_> = rows?.into_iter().filter(|row| !row.is_empty()).collect();
    Ok((!rows.is_empty()).then_some(ReplyKeyboard {
        rows,
        is_one_time: written.one_time_keyboard,
        is_resized: written.resize_keyboard,
        is_persistent: written.is_persistent,
    }))
}

fn key(button: Button) -> Result<ReplyKey, Refusal> {
    let (text, asks) = match button {
        Button::Full { text, request_contact: true, .. } => (text, Some(Asks::Contact)),
        Button::Full { text, request_location: true, .. } => (text, Some(Asks::Location)),
        Button::Text(text) | Button::Full { text, .. } => (text, None),
    };
    if text.trim().is_empty() {
        return Err(Refusal::new(400, "Bad Request: keyboard button text must be non-empty"));
    }
    Ok(ReplyKey { text, asks })
}

impl World {
    fn press_key(&mut self, token: &str, customer: i64, (row, column): (usize, usize), now: UnixMillis) -> Option<i64> {
        let chat = self.bots.get_mut(token)?.chats.get_mut(&customer)?;
        let keyboard = chat.reply_keyboard.clone()?;
        let key = keyboard.rows.get(row)?.get(column)?.clone();
        if keyboard.is_one_time {
            chat.reply_keyboard = None;
        }
        let name = self.customers.get(&customer)?.card.first_name.clone();
        let piece = |field: &str, value| Some(Piece { field: field.to_owned(), value });
        let message = match key.asks {
            None => ChatMessage { text: key.text, ..ChatMessage::default() },
            Some(Asks::Contact) => {
                let contact = json!({ "phone_number": phone(customer), "first_name": name, "user_id": customer });
                ChatMessage { piece: piece("contact", contact), ..ChatMessage::default() }
            }
            Some(Asks::Location) => {
                let place = json!({ "latitude": 52.52, "longitude": 13.405 });
                ChatMessage { piece: piece("location", place), ..ChatMessage::default() }
            }
        };
        self.say(token, customer, message, now)
    }
}

/// The phone number of a customer, by their id: digits alone.
#[must_use]
pub fn phone(customer: i64) -> String {
    format!("49151{:08}", customer.unsigned_abs() % 100_000_000)
}

impl FakeTelegram {
    /// The buttons that a customer has in place of their keyboard.
    pub fn reply_keyboard(&self, token: &str, customer: i64) -> Option<ReplyKeyboard> {
        self.core.world.read(|world| world.chat(token, customer)?.reply_keyboard.clone())
    }

    /// A customer presses the button in `row` and `column`, both from 0, in place of their keyboard. Returns the id of
    /// the message that this sends.
    ///
    /// # Panics
    /// If there is no such button.
    pub fn press_key(&self, token: &str, customer: i64, row: usize, column: usize) -> i64 {
        let now = self.core.clock.now();
        let pressed = self.core.world.change(|world| world.press_key(token, customer, (row, column), now));
        pressed.expect("a button is there before it is pressed")
    }
}
