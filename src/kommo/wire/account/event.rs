//! Events of the account ("Events and notes"). Those of messages in chats have the message's id and its contact.

use serde::Deserialize;

use crate::lenient::Fields;

/// An event: its kind, its entity, and what has changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Event(Fields);

impl Event {
    /// When it happened, in seconds since the epoch.
    #[must_use]
    pub fn at(&self) -> Option<i64> {
        self.0.read("created_at")
    }

    /// The id of the message.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let values: Vec<Fields> = self.0.read("value_after")?;
        values.iter().find_map(|value| value.read::<Fields>("message")?.read("id"))
    }

    /// The contact of the chat. If the entity is a lead, it is in `linked_talk_contact_id`, whose place is not
    /// documented, so this looks in both possible places.
    #[must_use]
    pub fn contact(&self) -> Option<u64> {
        let of_talk = |fields: &Fields| fields.read("linked_talk_contact_id");
        let entity = || self.0.read::<Fields>("_embedded")?.read::<Fields>("entity");
        let is_contact = self.0.read::<String>("entity_type").as_deref() == Some("contact");
        of_talk(&self.0).or_else(|| of_talk(&entity()?)).or_else(|| self.0.read("entity_id").filter(|_| is_contact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_and_its_contact_are_found_in_all_places() {
        let message = r#""value_after":[{"message":{"id":"m","talk_id":1}}]"#;
        for (event, contact) in [
            (r#""entity_id":7,"entity_type":"contact""#, Some(7)),
            (
                r#""entity_id":9,"entity_type":"lead","_embedded":{"entity":{"id":9,"linked_talk_contact_id":7}}"#,
                Some(7),
            ),
            (r#""entity_id":9,"entity_type":"lead","linked_talk_contact_id":7"#, Some(7)),
            (r#""entity_id":9,"entity_type":"lead""#, None),
        ] {
            let event: Event = serde_json::from_str(&format!("{{{event},{message}}}")).unwrap();
            assert_eq!((event.message().as_deref(), event.contact()), (Some("m"), contact));
        }
        let odd: Event = serde_json::from_str(r#"{"value_after":"x","entity_id":"y"}"#).unwrap();
        assert_eq!((odd.message(), odd.contact()), (None, None));
    }
}
