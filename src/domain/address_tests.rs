//! Ids as they are written and read.

use proptest::prelude::*;

use super::*;

#[test]
fn source_ids_are_what_kommo_takes() {
    let longest = "x".repeat(36);
    for good in ["sales", "a b", "tg:main", longest.as_str()] {
        assert_eq!(SourceId::parse(good).map(|id| id.to_string()), Ok(good.to_owned()));
    }
    let too_long = "x".repeat(37);
    for bad in ["", "продажи", "a\nb", too_long.as_str()] {
        assert_eq!(SourceId::parse(bad), Err(AddressError::Source), "{bad:?}");
    }
}

#[test]
fn foreign_conversation_ids_are_refused() {
    for bad in [
        "",
        "tg:",
        "tg:sales",
        "tg:sales:",
        "tg::5",
        "tg:sales:+5",
        "tg:sales:007",
        "wa:sales:5",
        "tg:sales:5 ",
        "tg:sales:/5",
        "tg:sales:7/",
        "tg:sales:1/2/3",
    ] {
        assert_eq!(bad.parse::<Conversation>(), Err(AddressError::Conversation), "{bad:?}");
    }
}

#[test]
fn foreign_message_ids_are_refused() {
    for bad in ["", "tg:1:2", "tg:1:2:3:", "tg:1:2:3:4:5", "tg:-1:2:3", "tg:a:2:3", "tg:1:2:03"] {
        assert_eq!(bad.parse::<MessageId>(), Err(AddressError::Message), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn a_conversation_reads_back_as_it_was_written(
        source in "[ -~]{1,36}", owner in any::<Option<i64>>(), id in any::<i64>(),
    ) {
        let chat = TelegramChat { owner: owner.map(UserId), id };
        let written = Conversation::new(SourceId::parse(&source).unwrap(), chat);
        prop_assert_eq!(written.to_string().parse(), Ok(written));
    }

    #[test]
    fn a_message_id_reads_back_as_it_was_written(
        bot in any::<u64>(), owner in any::<Option<i64>>(), id in any::<i64>(), message in any::<i64>(),
        update in any::<Option<i64>>(),
    ) {
        let chat = TelegramChat { owner: owner.map(UserId), id };
        let written = MessageId { bot: BotId(bot), chat, message, update };
        prop_assert_eq!(written.to_string().parse(), Ok(written));
    }
}
