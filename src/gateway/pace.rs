//! Rate limits of programs. A program shares the limits of its bot and of each chat with managers, who go first.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    gateway::{Program, answer::Answer, methods::Pace, params::Params},
    telegram::bot::Bot,
};

/// How long a call waits for its turn before it gets `retry_after`.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// Waits until a call may be made.
///
/// # Errors
/// The error response to a call that would have to wait for too long.
pub(super) async fn turn(program: &Program, pace: Pace, params: &Params) -> Result<(), Answer> {
    let until = Instant::now() + MAX_WAIT;
    if pace == Pace::None {
        return Ok(());
    }
    if pace == Pace::Chat
        && let Some(chat) = params.number("chat_id")
    {
        let messages = messages(params);
        chat_turn(&program.bot, chat, messages, until).await?;
        let turn = timeout_at(until, program.bot.acquire_patiently()).await;
        // The call is not made, so it must not count against the chat's limit.
        return turn.map_err(|_| program.bot.release_chat(chat, messages)).map_err(|()| Answer::too_many(1));
    }
    let turn = timeout_at(until, program.bot.acquire_patiently()).await;
    turn.map_err(|_| Answer::too_many(1))
}

async fn chat_turn(bot: &Bot, chat: i64, messages: usize, until: Instant) -> Result<(), Answer> {
    while let Some(wait) = bot.acquire_chat_patiently(chat, messages) {
        if Instant::now() + wait > until {
            return Err(Answer::too_many(wait.as_secs() + 1));
        }
        sleep(wait).await;
    }
    Ok(())
}

/// How many messages a call sends to its chat.
fn messages(params: &Params) -> usize {
    let of_list = |name| params.json::<Vec<serde_json::Value>>(name).map(|list| list.len());
    of_list("media").or_else(|| of_list("message_ids")).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_album_is_as_many_messages_as_it_has_files() {
        let with = |name: &str, value: &str| Params::with([(name.to_owned(), value.to_owned())]);
        assert_eq!(messages(&with("media", r#"[{"type":"photo"},{"type":"photo"}]"#)), 2);
        // `media` of an edit is one object.
        assert_eq!(messages(&with("media", r#"{"type":"photo"}"#)), 1);
        assert_eq!(messages(&with("message_ids", "[1,2,3]")), 3);
        assert_eq!(messages(&with("text", "[1,2]")), 1);
    }
}
