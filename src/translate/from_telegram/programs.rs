//! Messages of the owner's own programs, from Telegram's responses.

use crate::{
    domain::{
        message::{Author, Content, Media},
        speaker::Speaker,
    },
    telegram::wire::{InlineKeyboard, Message, RawObject},
    translate::from_telegram::{DecodeContext, content, people},
    words::described,
};

/// The author in Kommo: the program, or the bot that has written the message.
pub(super) fn author(program: &Speaker, message: Option<&RawObject>, context: &DecodeContext<'_>) -> Author {
    let bot = message.and_then(|message| {
        let by = ["sender_business_bot", "from"].map(|field| people::full_name(&message.part(field)));
        by.into_iter().flatten().next()
    });
    let name = program.name.clone().or(bot).unwrap_or_else(|| format!("Telegram {}", context.bot));
    Author::Business { name, kommo: None }
}

/// The content of a message, above the labels of its buttons.
pub(super) fn content(program: &Speaker, message: Message, context: &DecodeContext<'_>) -> Content {
    let below = buttons(program, message.reply_markup.as_ref());
    let content = if program.is_copy {
        let caption = message.caption.or(message.text).filter(|text| !text.is_empty());
        Content::Unknown { kind: described::copy().say(context.language), caption }
    } else {
        content::forwarded(message, context.largest_file_bytes, context.language)
    };
    if below.is_empty() { content } else { with_lines_below(content, &below) }
}

/// The labels of all buttons, row by row. Buttons that replace the customer's keyboard are only in the program's call.
fn buttons(program: &Speaker, below: Option<&InlineKeyboard>) -> String {
    let below = below.and_then(|keyboard| keyboard.inline_keyboard.clone()).unwrap_or_default();
    let below = below.into_iter().map(|row| row.into_iter().filter_map(|button| button.text).collect());
    let rows = below.chain(program.keyboard.iter().cloned());
    let row = |row: Vec<String>| row.iter().map(|label| format!("[{}]", people::one_line(label))).collect::<Vec<_>>();
    let rows: Vec<_> = rows.map(|it| row(it).join(" ")).filter(|row| !row.is_empty()).collect();
    rows.join("\n")
}

/// `content` with lines below its text.
fn with_lines_below(content: Content, lines: &str) -> Content {
    let with_lines =
        |text: Option<String>| Some(text.map_or_else(|| lines.to_owned(), |text| format!("{text}\n\n{lines}")));
    match content {
        Content::Text(text) => Content::Text(format!("{text}\n\n{lines}")),
        Content::Media(media) => Content::Media(Media { caption: with_lines(media.caption), ..media }),
        Content::Location { latitude, longitude, caption } => {
            Content::Location { latitude, longitude, caption: with_lines(caption) }
        }
        Content::Contact { name, phone, caption } => Content::Contact { name, phone, caption: with_lines(caption) },
        Content::Unknown { kind, caption } => Content::Unknown { kind, caption: with_lines(caption) },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{
            address::{BotId, ContactId, SourceId, UserId},
            message::Inbound,
            time::UnixMillis,
        },
        translate::from_telegram::{Arrival, Received},
        words::Language,
    };

    fn read(speaker: &Speaker, update: &Value) -> Arrival {
        let source = SourceId::parse("sales").unwrap();
        let context = DecodeContext {
            source: &source,
            bot: BotId(1),
            connection: None,
            program: Some(speaker),
            groups: true,
            largest_file_bytes: 1,
            language: Language::En,
            now: UnixMillis(5),
        };
        Received::read(&update.to_string()).decode(&context).unwrap()
    }

    fn sent(speaker: &Speaker, more: &Value) -> Inbound {
        let mut message = json!({
            "message_id": 5, "date": 1, "chat": {"id": 7, "type": "private", "first_name": "Ann", "username": "ann"},
            "from": {"id": 1, "is_bot": true, "first_name": "Shop bot"}
        });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        match read(speaker, &json!({ "update_id": -9, "message": message })) {
            Arrival::Message(inbound) => *inbound,
            other => panic!("{other:?}"),
        }
    }

    fn named(name: &str) -> Author {
        Author::Business { name: name.to_owned(), kommo: None }
    }

    #[test]
    fn a_programs_message_is_sent_to_the_customer_in_its_name() {
        let inbound = sent(&Speaker::default(), &json!({"text": "Hi"}));
        assert_eq!((&inbound.author, inbound.conversation.to_string().as_str()), (&named("Shop bot"), "tg:sales:7"));
        assert_eq!((inbound.customer.id, inbound.customer.name.as_str()), (ContactId::Person(UserId(7)), "Ann"));
        assert_eq!(inbound.id.to_string(), "tg:1:7:5");
        assert!(inbound.unattended && inbound.topic.is_none());
        let shop = Speaker { name: Some("Shop".to_owned()), ..Speaker::default() };
        let group = json!({"text": "Hi", "chat": {"id": -7, "type": "supergroup", "title": "Garden"}});
        let inbound = sent(&shop, &group);
        assert_eq!((inbound.author, inbound.content), (named("Shop"), Content::Text("Hi".to_owned())));
        assert_eq!((inbound.customer.id, inbound.customer.name.as_str()), (ContactId::Group(-7), "Garden"));
    }

    #[test]
    fn buttons_are_below_the_text() {
        let inline = json!({"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}, {"text": "Site", "url": "x"}],
            [{"text": "No\nmore"}]]});
        let inbound = sent(&Speaker::default(), &json!({"text": "Sure?", "reply_markup": inline}));
        assert_eq!(inbound.content, Content::Text("Sure?\n\n[Yes] [Site]\n[No more]".to_owned()));
        let keyboard = vec![vec!["Menu".to_owned(), "Cart".to_owned()]];
        let inbound = sent(&Speaker { keyboard, ..Speaker::default() }, &json!({"text": "Here"}));
        assert_eq!(inbound.content, Content::Text("Here\n\n[Menu] [Cart]".to_owned()));
    }

    #[test]
    fn of_a_copy_only_its_caption_is_known() {
        let copy = Speaker { is_copy: true, ..Speaker::default() };
        for (more, caption) in [(json!({}), None), (json!({"caption": "Look"}), Some("Look"))] {
            let kind = "copy of a message".to_owned();
            let want = Content::Unknown { kind, caption: caption.map(str::to_owned) };
            assert_eq!(sent(&copy, &more).content, want);
        }
    }

    #[test]
    fn a_program_reacts_and_deletes_in_the_chats_of_the_bot() {
        let chat = json!({"id": -7, "type": "supergroup"});
        for (new, emoji) in [(json!([{"type": "emoji", "emoji": "👍"}]), Some("👍")), (json!([]), None)] {
            let reaction = json!({"chat": chat, "message_id": 5, "old_reaction": [], "new_reaction": new});
            let Arrival::Reaction(reaction) = read(&Speaker::default(), &json!({"message_reaction": reaction})) else {
                panic!()
            };
            assert_eq!((reaction.emoji.as_deref(), reaction.author), (emoji, named("Telegram 1")));
        }
        let deletion = json!({"deleted_business_messages": {"chat": {"id": 7}, "message_ids": [5, 6]}});
        let Arrival::Deletion(deletion) = read(&Speaker::default(), &deletion) else { panic!() };
        assert_eq!(deletion.conversation.to_string(), "tg:sales:7");
        assert_eq!(deletion.messages.iter().map(ToString::to_string).collect::<Vec<_>>(), ["tg:1:7:5", "tg:1:7:6"]);
    }
}
