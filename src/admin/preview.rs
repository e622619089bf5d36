//! A short text of a waiting or parked message, by which the operator recognises it.

use crate::{
    domain::{
        delivery::{Delivery, DeliveryReport},
        job::{Call, Hook, Job, Method, Raw, SendJob, StatusJob, Update},
        message::{Attachment, Content, Media, Outbound},
        time::UnixMillis,
    },
    translate::{from_kommo, from_telegram},
    words::Language,
};

/// The most characters in a list.
pub(super) const SHORT: usize = 160;
/// The most characters where one message is shown.
pub(super) const WHOLE: usize = 4096;

/// The text of a message, or its kind if it has none; `None` if it cannot be read.
pub(super) fn preview(jobs: &[Job], most: usize) -> Option<String> {
    let texts: Vec<_> = jobs.iter().filter_map(of_job).filter(|text| !text.is_empty()).collect();
    (!texts.is_empty()).then(|| shortened(&texts.join(" "), most))
}

fn of_job(job: &Job) -> Option<String> {
    match job {
        Job::Raw(Raw::Update(update)) => of_update(update),
        Job::Raw(Raw::Hook(Hook { raw }) | Raw::Reaction(Hook { raw })) => of_hook(raw),
        Job::Send(SendJob::Answer(outbound)) => Some(of_answer(outbound)),
        Job::Send(SendJob::Call(call)) => Some(of_call(call)),
        Job::Send(SendJob::Album(album)) => Some(album.calls.iter().map(of_call).collect::<Vec<_>>().join(" ")),
        Job::Status(StatusJob::Delivery(DeliveryReport { delivery, .. })) => Some(match delivery {
            Delivery::Delivered => "delivered".to_owned(),
            Delivery::Read => "read".to_owned(),
            Delivery::Failed(refusal) => format!("failed: {}", refusal.sentence),
        }),
        Job::Inbound(_) | Job::Send(SendJob::MarkRead(_)) | Job::Status(StatusJob::AssignClientId(_)) | Job::Crm(_) => {
            None
        }
    }
}

fn of_update(update: &Update) -> Option<String> {
    let context = from_telegram::DecodeContext {
        source: &update.source,
        bot: update.bot,
        connection: None,
        program: update.program.as_ref(),
        groups: true,
        largest_file_bytes: u64::MAX,
        now: UnixMillis(0),
        // Commands speak English.
        language: Language::En,
    };
    match from_telegram::Received::read(&update.raw).decode(&context) {
        Ok(from_telegram::Arrival::Message(inbound)) => Some(of_content(&inbound.content)),
        Ok(from_telegram::Arrival::ButtonPress(press)) => Some(of_content(&press.inbound.content)),
        Ok(from_telegram::Arrival::Reaction(reaction)) => reaction.emoji,
        Ok(
            from_telegram::Arrival::Membership(_)
            | from_telegram::Arrival::Connection(_)
            | from_telegram::Arrival::Deletion(_)
            | from_telegram::Arrival::Move(_),
        ) => None,
        Err(_) => raw_text(&update.raw),
    }
}

/// The text of an update that cannot be decoded here: that of an own chat, whose business connection is not known.
fn raw_text(raw: &str) -> Option<String> {
    let update: serde_json::Map<String, serde_json::Value> = serde_json::from_str(raw).ok()?;
    let text = |part: &serde_json::Value| {
        let text = part.get("text").or_else(|| part.get("caption"))?;
        text.as_str().map(str::to_owned)
    };
    update.values().find_map(text)
}

fn of_hook(raw: &str) -> Option<String> {
    match from_kommo::decode(raw).ok()? {
        from_kommo::Arrival::Message(outbound) => Some(of_answer(&outbound)),
        from_kommo::Arrival::Reaction(reaction) => reaction.emoji,
        from_kommo::Arrival::Typing(_) | from_kommo::Arrival::Other(_) => None,
    }
}

fn of_answer(outbound: &Outbound) -> String {
    outbound.file.as_ref().map_or_else(|| of_content(&outbound.content), of_attachment)
}

fn of_call(call: &Call) -> String {
    match &call.method {
        Method::SendText { text, .. } => text.clone(),
        Method::SendLocation { .. } => "[location]".to_owned(),
        Method::SendContact { name, .. } => format!("[contact] {name}"),
        Method::SendFile { file, caption, .. } => named(file.kind.name(), &file.name, Some(caption)),
    }
}

fn of_content(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Media(Media { kind, file_name, caption, .. }) => named(kind.name(), file_name, caption.as_ref()),
        Content::Location { caption, .. } => named("location", "", caption.as_ref()),
        Content::Contact { name, caption, .. } => named("contact", name, caption.as_ref()),
        Content::Unknown { kind, caption } => named(kind, "", caption.as_ref()),
    }
}

fn of_attachment(file: &Attachment) -> String {
    named(file.kind.name(), &file.file_name, file.caption.as_ref())
}

fn named(kind: &str, name: &str, caption: Option<&String>) -> String {
    let caption = caption.map_or("", String::as_str);
    let parts = [&format!("[{kind}]"), name, caption];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A text in one line, cut at `most` characters.
fn shortened(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        address::{BotId, Conversation, KommoMessageId, SourceId},
        delivery::{ErrorCode, RefusalText},
        job::{ReleaseStartAt, RemoteFile},
        keyboard::Keyboard,
        message::MediaKind,
    };

    fn call(method: Method) -> Job {
        Job::from(Call {
            message: KommoMessageId("m".to_owned()),
            to: Conversation::new(SourceId::parse("sales").unwrap(), 7),
            part: 1,
            parts: 1,
            method,
            omitted: None,
            answers_in: None,
            opening: None,
            written_at: None,
        })
    }

    fn text(text: &str) -> Job {
        call(Method::SendText { text: text.to_owned(), keyboard: Keyboard::default(), reply_to: None })
    }

    fn file(caption: &str) -> Job {
        let file = RemoteFile::new(MediaKind::Picture, "https://kommo/x".to_owned(), "cat.jpg".to_owned());
        call(Method::SendFile { file, caption: caption.to_owned(), keyboard: Keyboard::default(), reply_to: None })
    }

    fn update(message: &str) -> Job {
        let raw = format!(
            r#"{{"update_id":1,"message":{{"message_id":5,"date":1786017600,"chat":{{"id":7,"type":"private"}},
            "from":{{"id":7,"is_bot":false,"first_name":"Anna"}},{message}}}}}"#
        );
        Job::from(Update { source: SourceId::parse("sales").unwrap(), bot: BotId(1), raw, program: None })
    }

    #[test]
    fn a_message_is_shown_by_its_text_or_by_its_kind() {
        let hook = |content: &str| {
            Job::from(Hook {
                raw: format!(r#"{{"message":{{"conversation":{{"client_id":"tg:sales:7"}},"message":{content}}}}}"#),
            })
        };
        let refusal = RefusalText::new(ErrorCode::Other, "The bot was blocked.");
        let report = DeliveryReport { message: KommoMessageId("m".to_owned()), delivery: Delivery::Failed(refusal) };
        for (jobs, expected) in [
            (vec![text("Two\nlines")], Some("Two lines")),
            (vec![text("one"), text("two")], Some("one two")),
            (vec![file("")], Some("[picture] cat.jpg")),
            (vec![file("Look")], Some("[picture] cat.jpg Look")),
            (vec![update(r#""text":"Hello""#)], Some("Hello")),
            (vec![update(r#""location":{"latitude":1.5,"longitude":2.5}"#)], Some("[location]")),
            (vec![update(r#""contact":{"first_name":"Bob","phone_number":"+1555"}"#)], Some("[contact] Bob")),
            (
                vec![Job::from(Update {
                    source: SourceId::parse("sales").unwrap(),
                    bot: BotId(1),
                    raw: r#"{"update_id":1,"business_message":{"business_connection_id":"c","text":"Hi"}}"#.to_owned(),
                    program: None,
                })],
                Some("Hi"),
            ),
            (vec![hook(r#"{"id":"m","type":"text","text":"An answer"}"#)], Some("An answer")),
            (vec![Job::from(report)], Some("failed: The bot was blocked.")),
            (vec![Job::from(Hook { raw: "nonsense".to_owned() })], None),
            (
                vec![Job::from(ReleaseStartAt {
                    conversation: Conversation::new(SourceId::parse("sales").unwrap(), 7),
                })],
                None,
            ),
        ] {
            assert_eq!(preview(&jobs, SHORT).as_deref(), expected, "{jobs:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let preview_text = preview(&[text(&"é".repeat(5000))], SHORT).unwrap();
        assert_eq!((preview_text.chars().count(), preview_text.chars().last()), (SHORT, Some('…')));
    }
}
