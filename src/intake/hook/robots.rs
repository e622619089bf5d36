//! Distinguishes managers' messages from those of Salesbots, as far as hooks show it. Kommo's documentation does not
//! say who the sender of a Salesbot's message is.

use crate::domain::message::Outbound;

/// Recognises authors that are no managers.
#[derive(Clone, Debug, Default)]
pub struct Robots {
    /// The channel's bot.
    pub channel_bot: Option<String>,
}

impl Robots {
    /// Whether a message is not from a manager: it is from the channel's bot, or has buttons, which no person can type.
    /// A template with buttons from a manager counts as a Salesbot's too.
    pub(super) fn wrote(&self, message: &Outbound, sender: Option<&str>) -> bool {
        let is_channel_bot = sender.is_some() && sender == self.channel_bot.as_deref();
        is_channel_bot || !message.keyboard.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::from_kommo::{Arrival, read};

    #[test]
    fn the_channels_bot_and_senders_of_buttons_are_no_managers() {
        let robots = Robots { channel_bot: Some("bot".to_owned()) };
        for (sender, markup, is_robots) in [
            ("maria", "null", false),
            ("bot", "null", true),
            ("maria", r#"{"mode":"inline","buttons":[[{"text":"Yes"}]]}"#, true),
            ("", "null", false),
        ] {
            let message = format!(r#"{{"id":"m","type":"text","text":"Hello","markup":{markup}}}"#);
            let hook = format!(r#"{{"message":{{"sender":{{"id":"{sender}"}},"message":{message}}}}}"#);
            let received = read(&hook).unwrap();
            let Arrival::Message(message) = received.arrival else { panic!("{hook}") };
            assert_eq!(robots.wrote(&message, received.sender.as_deref()), is_robots, "{hook}");
        }
    }
}
