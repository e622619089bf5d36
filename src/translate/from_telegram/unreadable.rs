//! Describes updates that cannot be read.

use crate::{
    domain::address::SourceId,
    telegram::wire::{self, MAX_LEVELS},
    translate::from_telegram::Received,
};

impl Received<'_> {
    /// Which update cannot be read, and why, for the operator.
    #[must_use]
    pub fn why_unreadable(&self, source: &SourceId) -> String {
        let which = match wire::update_id(self.raw) {
            Some(id) => format!("update {id} of source {source}"),
            None => format!("an update of source {source}, without a number,"),
        };
        match wire::levels(self.raw) {
            deep if deep > MAX_LEVELS => {
                format!("{which} cannot be read as a message: it is nested {deep} levels deep, {MAX_LEVELS} are read")
            }
            _ => format!("{which} cannot be read as a message"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            address::BotId,
            message::{Content, Skip},
            time::UnixMillis,
        },
        translate::from_telegram::{Arrival, DecodeContext},
        words::Language,
    };

    fn source() -> SourceId {
        SourceId::parse("sales").unwrap()
    }

    fn read(raw: &str) -> Result<Arrival, Skip> {
        let (source, now) = (source(), UnixMillis(1));
        let context = DecodeContext {
            source: &source,
            bot: BotId(1),
            connection: None,
            program: None,
            groups: false,
            largest_file_bytes: 1,
            language: Language::En,
            now,
        };
        Received::read(raw).decode(&context)
    }

    /// An update with `levels` levels. The innermost hold the words of an article.
    fn article(levels: usize) -> String {
        // The update, its message, the article, its list of blocks, and a block.
        let nested = levels - 5;
        let words = format!("{}\"deep\"{}", r#"{"type":"bold","text":"#.repeat(nested), "}".repeat(nested));
        let blocks = format!(r#"[{{"type":"paragraph","text":{words}}}]"#);
        let chat = r#""chat":{"id":777000111,"type":"private"}"#;
        format!(
            r#"{{"update_id":9,"message":{{"message_id":1,"date":1,{chat},"rich_message":{{"blocks":{blocks}}}}}}}"#
        )
    }

    /// The same as answers to answers.
    fn answers(levels: usize) -> String {
        let chat = r#""chat":{"id":777000111,"type":"private"}"#;
        let begin = format!(r#"{{"message_id":1,"date":1,{chat},"text":"deep","reply_to_message":"#);
        let nested = levels - 2;
        format!(r#"{{"update_id":9,"message":{}{{}}{}}}"#, begin.repeat(nested), "}".repeat(nested))
    }

    #[test]
    fn nested_updates_are_read_up_to_a_depth_and_never_overflow_the_stack() {
        // Smaller than the stack of a worker of the runtime.
        let small = std::thread::Builder::new().stack_size(1 << 20);
        let reading = small.spawn(|| {
            for levels in [7, 100, 121, 122, 126, 127, 128, 1_000, 100_000] {
                for raw in [article(levels), answers(levels)] {
                    let is_read = levels <= 127;
                    assert_eq!(crate::telegram::wire::levels(&raw), levels);
                    assert_eq!(read(&raw).is_ok(), is_read, "{levels}");
                    let received = Received::read(&raw);
                    let thread = if is_read { "tg:sales:777000111" } else { "source:sales" };
                    assert_eq!(received.lane(&source()).thread, thread, "{levels}");
                    assert_eq!(received.connection_id(), None);
                    assert_eq!((received.start_context(&source()).is_some(), received.own_number()), (is_read, None));
                }
            }
            let Ok(Arrival::Message(message)) = read(&article(121)) else { panic!("it is read") };
            let Content::Text(text) = message.content else { panic!("{:?}", message.content) };
            assert!(text.contains("deep"), "{text}");
        });
        reading.unwrap().join().unwrap();
    }

    #[test]
    fn an_unreadable_update_is_named_with_its_source() {
        for (raw, says) in [
            (r#"{"update_id":5,"message":7}"#, "update 5 of source sales cannot be read as a message"),
            ("nonsense", "an update of source sales, without a number, cannot be read as a message"),
            (
                &article(128),
                "update 9 of source sales cannot be read as a message: it is nested 128 levels deep, 127 are read",
            ),
            (r#"{"update_id":5,"message":{"text":"\x"}}]}"#, "update 5 of source sales cannot be read as a message"),
        ] {
            assert_eq!(Received::read(raw).why_unreadable(&source()), says);
        }
    }

    #[test]
    fn a_lone_surrogate_loses_no_text() {
        let chat = r#""chat":{"id":777000111,"type":"private"}"#;
        let raw = format!(r#"{{"update_id":9,"message":{{"message_id":1,"date":1,{chat},"text":"Hi \ud83d there"}}}}"#);
        let Ok(Arrival::Message(message)) = read(&raw) else { panic!("it is read") };
        assert_eq!(message.content, Content::Text("Hi \u{fffd} there".to_owned()));
    }
}
