//! What customers send besides texts and single files.

use serde_json::{Value, json};

use crate::sandbox::telegram::{
    ChatMessage, Customer, FakeTelegram, NewFile, Piece, Room, chats::NOBODY, reply_keyboards::phone,
};

impl Piece {
    fn new(field: &str, value: Value) -> Self {
        Self { field: field.to_owned(), value }
    }

    /// Somebody else's phone number.
    pub fn contact(phone_number: &str, first_name: &str) -> Self {
        Self::new("contact", json!({ "phone_number": phone_number, "first_name": first_name }))
    }

    /// The customer's own phone number, with their user id in it.
    pub fn own_number(customer: &Customer) -> Self {
        let Customer { id, first_name, .. } = customer;
        Self::new("contact", json!({ "phone_number": phone(*id), "first_name": first_name, "user_id": id }))
    }

    /// A place on earth, in degrees.
    pub fn location(latitude: f64, longitude: f64) -> Self {
        Self::new("location", json!({ "latitude": latitude, "longitude": longitude }))
    }

    /// A place with a name and an address.
    pub fn venue(latitude: f64, longitude: f64, title: &str, address: &str) -> Self {
        let location = json!({ "latitude": latitude, "longitude": longitude });
        Self::new("venue", json!({ "location": location, "title": title, "address": address }))
    }

    /// A question with its answers.
    pub fn poll(question: &str, options: &[&str]) -> Self {
        let option =
            |(n, text): (usize, &&str)| json!({ "persistent_id": n.to_string(), "text": text, "voter_count": 0 });
        let options: Vec<Value> = options.iter().enumerate().map(option).collect();
        let poll = json!({ "id": fastrand::u64(1..).to_string(), "question": question, "options": options,
            "total_voter_count": 0, "is_closed": false, "is_anonymous": true, "type": "regular",
            "allows_multiple_answers": false, "allows_revoting": true, "members_only": false });
        Self::new("poll", poll)
    }

    /// A thrown die, or another emoji with a value.
    pub fn dice(emoji: &str, value: u8) -> Self {
        Self::new("dice", json!({ "emoji": emoji, "value": value }))
    }
}

impl FakeTelegram {
    /// A customer sends files that belong together: an update for each, with one `media_group_id`. Returns the ids of
    /// their messages.
    ///
    /// # Panics
    /// If the bot or the customer was never added.
    pub fn send_album(&self, token: &str, customer: i64, files: &[NewFile]) -> Vec<i64> {
        self.send_files(token, customer, files, None)
    }

    /// A customer sends one file, or several as an album, and answers a message of the chat with it. Returns the ids of
    /// the messages.
    ///
    /// # Panics
    /// If the bot or the customer was never added.
    pub fn send_files(&self, token: &str, customer: i64, files: &[NewFile], reply_to: Option<i64>) -> Vec<i64> {
        self.send_files_in(token, Room::Private { customer }, customer, files, reply_to)
    }

    /// A customer sends a place, a contact, a poll or a throw of dice. Returns the message's id.
    ///
    /// # Panics
    /// If the bot or the customer was never added.
    pub fn send_piece(&self, token: &str, customer: i64, piece: Piece) -> i64 {
        let message = ChatMessage { piece: Some(piece), ..ChatMessage::default() };
        self.say_in(token, Room::Private { customer }, customer, message)
    }

    /// A customer sends their own phone number, with their user id in it. Returns the message's id.
    ///
    /// # Panics
    /// If the bot or the customer was never added.
    pub fn share_number(&self, token: &str, customer: i64) -> i64 {
        let card = self.customers().into_iter().find(|it| it.id == customer).expect(NOBODY);
        self.send_piece(token, customer, Piece::own_number(&card))
    }
}
