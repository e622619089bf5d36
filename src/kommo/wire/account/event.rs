//! What has happened in the account ("Events and notes"). Of what was written in chats, the list tells the message's
//! number and whose card it stands on.

use serde::Deserialize;

use crate::lenient::Fields;

/// An event: its kind, what it happened to, and what became different.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Event(Fields);

impl Event {
    /// When it happened, in seconds since the epoch.
    #[must_use]
    pub fn at(&self) -> Option<i64> {
        self.0.read("created_at")
    }

    /// The message that was written.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let values: Vec<Fields> = self.0.read("value_after")?;
        values.iter().find_map(|value| value.read::<Fields>("message")?.read("id"))
    }

    /// The contact in whose chat it was written. Where it happened to a lead, that of its talk is documented by name,
    /// not by place: it is looked for in both.
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
    fn a_message_and_its_contact_are_read_wherever_they_stand() {
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
