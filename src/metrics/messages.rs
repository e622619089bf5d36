//! What becomes of messages.

use crate::{
    domain::address::Conversation,
    metrics::{Metrics, Totals},
};

impl Metrics {
    /// Counts a message of a customer that has come.
    pub fn customer_wrote(&self, conversation: &Conversation) {
        self.tally.received(conversation);
    }

    /// Counts a message of a manager that has come.
    pub fn manager_wrote(&self) {
        self.tally.asked_to_send();
    }

    /// Counts a message that Kommo has.
    pub fn reached_kommo(&self) {
        self.tally.taken();
    }

    /// Counts an answer that its customer has.
    pub fn reached_customer(&self, conversation: &Conversation) {
        self.tally.answered(conversation);
    }

    /// Counts messages that are given up.
    pub fn given_up(&self, messages: usize) {
        self.tally.failed(messages);
    }

    /// How many messages there were since the start.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.tally.totals()
    }
}
