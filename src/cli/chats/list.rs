//! Conversations for a terminal, or for whatever reads a table.

use crate::{
    admin::chats::{ChatEntry, LISTED},
    cli::table::{natural_width, plain, table},
    domain::{amount, time::UnixMillis},
};

/// The listed conversations, within so many columns.
pub(super) fn shown(rows: &[ChatEntry], is_filtered: bool, now: UnixMillis, columns: Option<usize>) -> String {
    if rows.is_empty() {
        let none = if is_filtered { "No conversation matches." } else { "Nobody has written to a bot yet." };
        return format!("{none}\n");
    }
    let more = if rows.len() < LISTED {
        String::new()
    } else {
        format!(
            "\nThese are the first {LISTED}. `telekommo chats list --search TEXT` looks through all, and \
             `telekommo chats show CONVERSATION` finds any.\n"
        )
    };
    listed(rows, now, columns) + &more
}

/// Kommo's ids are wide, and `chats show` tells them: they are left out of a terminal that is too narrow for them.
fn listed(rows: &[ChatEntry], now: UnixMillis, columns: Option<usize>) -> String {
    let head = ["CONVERSATION", "NAME", "PHONE", "LAST MESSAGE"].map(str::to_owned);
    let last = |row: &ChatEntry| row.last_message_at.map_or_else(|| "-".to_owned(), |at| amount::ago(at, now));
    let line = |row: &ChatEntry| [row.conversation.to_string(), called(row), phone(row), last(row)];
    let short: Vec<_> = [head].into_iter().chain(rows.iter().map(line)).collect();
    let chats = ["CHAT IN KOMMO"].into_iter().chain(rows.iter().map(|row| row.chat.as_str()));
    let whole: Vec<_> = short.iter().cloned().zip(chats).map(|(line, chat)| with(line, chat)).collect();
    match columns {
        Some(columns) if natural_width(&whole) > columns => table(&short, 1, Some(columns)),
        Some(_) | None => table(&whole, 1, None),
    }
}

fn with([conversation, name, phone, last]: [String; 4], chat: &str) -> [String; 5] {
    [conversation, name, phone, last, chat.to_owned()]
}

/// What the customer or the group is called, with the public name.
pub(super) fn called(row: &ChatEntry) -> String {
    let name = plain(row.name.as_deref().unwrap_or("-"));
    match &row.username {
        Some(username) => format!("{name} @{}", plain(username)),
        None => name,
    }
}

/// The number that the customer has shared.
pub(super) fn phone(row: &ChatEntry) -> String {
    row.phone.as_ref().map_or_else(|| "-".to_owned(), |phone| format!("+{}", plain(phone)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_786_017_600_000);

    fn row(conversation: &str, name: &str) -> ChatEntry {
        ChatEntry {
            conversation: conversation.parse().unwrap(),
            chat: "b52c7f0e-1111-4222-8333-444455556666".to_owned(),
            name: Some(name.to_owned()),
            username: None,
            phone: None,
            last_message_at: None,
        }
    }

    fn some() -> [ChatEntry; 3] {
        let anna = ChatEntry {
            username: Some("annap".to_owned()),
            phone: Some("4915177000111".to_owned()),
            last_message_at: Some(NOW.minus(Duration::from_hours(3))),
            ..row("tg:sales:777000111", "Anna\u{1b}[2J Petrova")
        };
        [anna, row("tg:sales:-1002233445566", "Garden club of the northern suburbs"), row("tg:support:5", "花子 🌸")]
    }

    #[test]
    fn a_program_gets_every_column_whole() {
        let text = shown(&some(), false, NOW, None);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[1],
            "tg:sales:777000111       Anna [2J Petrova @annap              +4915177000111  3h ago        \
             b52c7f0e-1111-4222-8333-444455556666"
        );
        assert!(text.contains("Garden club of the northern suburbs  -"), "{text}");
    }

    #[test]
    fn a_list_is_readable_at_every_width() {
        for columns in [30, 40, 60, 80, 100, 132, 200] {
            let text = shown(&some(), false, NOW, Some(columns));
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{columns}:\n{text}");
            for whole in ["tg:sales:-1002233445566", "+4915177000111", "3h ago", "Garden club", "Anna [2J"] {
                assert!(text.contains(whole), "{columns}: {whole} is missing in\n{text}");
            }
            assert_eq!(text.contains("b52c7f0e-1111-4222-8333-444455556666"), columns >= 132, "{columns}:\n{text}");
        }
    }

    #[test]
    fn a_list_that_is_cut_or_empty_says_so() {
        assert_eq!(shown(&[], false, NOW, None), "Nobody has written to a bot yet.\n");
        assert_eq!(shown(&[], true, NOW, None), "No conversation matches.\n");
        let rows: Vec<_> = (1..=LISTED).map(|chat| row(&format!("tg:sales:{chat}"), "Anna")).collect();
        assert!(shown(&rows, false, NOW, None).contains("the first 10000"));
        assert!(!shown(&rows[1..], false, NOW, None).contains("the first"));
    }
}
