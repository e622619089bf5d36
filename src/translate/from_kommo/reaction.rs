//! A manager's reaction to a message.

use crate::{
    domain::{address::KommoMessageId, message::OutboundReaction},
    kommo::wire::HookReaction,
};

/// Reads a reaction; an error names what it lacks.
///
/// `msgid` and `message.id` may each have our id or Kommo's. Ours is recognised by its format.
pub(super) fn decode(reaction: HookReaction) -> Result<OutboundReaction, &'static str> {
    let message = reaction.message.unwrap_or_default();
    let conversation = reaction.conversation.and_then(|conversation| conversation.client_id?.parse().ok());
    let ids = || [&message.client_id, &message.id, &reaction.msgid].into_iter().flatten().filter(|id| !id.is_empty());
    let foreign =
        [&message.id, &reaction.msgid].into_iter().flatten().find(|id| !id.is_empty() && !id.starts_with("tg:"));
    let emoji = reaction.emoji.filter(|emoji| !emoji.trim().is_empty());
    Ok(OutboundReaction {
        conversation: conversation.ok_or("reaction elsewhere")?,
        ours: ids().find_map(|id| id.parse().ok()),
        kommo: foreign.cloned().map(KommoMessageId),
        emoji: match (reaction.r#type.as_deref(), emoji) {
            (Some("unreact"), _) => None,
            (Some("react") | None, Some(emoji)) => Some(emoji),
            (Some("react") | None, None) => return Err("reaction without an emoji"),
            (Some(_), _) => return Err("reaction of an unknown type"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reaction: &str) -> Result<OutboundReaction, &'static str> {
        decode(serde_json::from_str(reaction).unwrap())
    }

    #[test]
    fn a_message_is_recognised_by_any_of_its_ids() {
        let ours = "tg:1:7:42";
        for (ids, has_ours, kommo) in [
            (r#""msgid":"cd05""#, false, Some("cd05")),
            (r#""msgid":"tg:1:7:42""#, true, None),
            (r#""message":{"id":"cd05"}"#, false, Some("cd05")),
            (r#""message":{"id":"cd05","client_id":"tg:1:7:42"}"#, true, Some("cd05")),
            (r#""msgid":"cd05","message":{"id":7,"client_id":"tg:1:7:42"}"#, true, Some("cd05")),
            (r#""msgid":"cd05","message":{"id":"","client_id":"another"}"#, false, Some("cd05")),
            (r#""msgid":"""#, false, None),
        ] {
            let raw = format!(r#"{{"conversation":{{"client_id":"tg:sales:7"}},"type":"unreact",{ids}}}"#);
            let reaction = read(&raw).unwrap();
            assert_eq!(reaction.ours.map(|id| id.to_string()).as_deref(), has_ours.then_some(ours), "{ids}");
            assert_eq!(reaction.kommo.as_ref().map(|id| id.0.as_str()), kommo, "{ids}");
        }
    }

    #[test]
    fn the_error_names_what_a_reaction_lacks() {
        let here = r#""conversation":{"client_id":"tg:sales:7"}"#;
        let cases = [
            (r#""type":"react","emoji":"👍""#.to_owned(), "reaction elsewhere"),
            (r#""conversation":{"client_id":"wa:7"},"type":"react","emoji":"👍""#.to_owned(), "reaction elsewhere"),
            (format!(r#"{here},"type":"react""#), "reaction without an emoji"),
            (format!(r#"{here},"type":"react","emoji":" ""#), "reaction without an emoji"),
            (here.to_owned(), "reaction without an emoji"),
            (format!(r#"{here},"type":"shrug","emoji":"👍""#), "reaction of an unknown type"),
        ];
        for (fields, error) in cases {
            assert_eq!(read(&format!("{{{fields}}}")), Err(error), "{fields}");
        }
        assert_eq!(read(&format!(r#"{{{here},"emoji":"👍"}}"#)).unwrap().emoji.as_deref(), Some("👍"));
    }
}
