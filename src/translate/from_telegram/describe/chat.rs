//! Service messages about a chat (Bot API, `Message`).

use crate::{
    telegram::wire::RawObject,
    translate::from_telegram::{
        describe::{
            amount::{counted, duration, price, stars, when},
            headed, lines, row, words_of,
        },
        people,
    },
    words::{Language, Sentence, count, described},
};

/// The description of one of these kinds.
pub(super) fn line(kind: &str, message: &RawObject, what: &RawObject, language: Language) -> Option<String> {
    None.or_else(|| of_members(kind, message, what, language))
        .or_else(|| of_topics(kind, what, language))
        .or_else(|| of_video_chats(kind, what, language))
        .or_else(|| of_suggested_posts(kind, what, language))
        .or_else(|| of_settings(kind, message, what, language))
}

fn of_members(kind: &str, message: &RawObject, what: &RawObject, language: Language) -> Option<String> {
    let (head, text) = match kind {
        "new_chat_members" => (described::joined(), people::all(&message.list(kind), language)),
        "left_chat_member" => (described::left(), people::named(what, language)),
        "chat_owner_left" => {
            let next = people::known(&what.part("new_owner")).map(|next| described::next_owner(next).say(language));
            (described::owner_left(), next.unwrap_or_default())
        }
        "chat_owner_changed" => (described::new_owner(), people::named(&what.part("new_owner"), language)),
        "community_chat_added" => (described::community_added(), community(what)),
        "community_chat_joined" => (described::community_joined(), community(what)),
        "community_chat_removed" => (described::community_removed(), String::new()),
        "boost_added" => (described::boosted(), counted(what.number("boost_count")?, count::boosts, language)),
        _ => return None,
    };
    Some(headed(&head, &text, language))
}

fn community(what: &RawObject) -> String {
    what.part("community").text("name").map(|name| people::one_line(&name)).unwrap_or_default()
}

fn of_topics(kind: &str, what: &RawObject, language: Language) -> Option<String> {
    let name = || what.text("name").unwrap_or_default();
    let (head, text) = match kind {
        "forum_topic_created" => (described::topic_created(), name()),
        "forum_topic_edited" => (described::topic_changed(), name()),
        "forum_topic_closed" => (described::topic_closed(), String::new()),
        "forum_topic_reopened" => (described::topic_reopened(), String::new()),
        "general_forum_topic_hidden" => (described::general_hidden(), String::new()),
        "general_forum_topic_unhidden" => (described::general_shown(), String::new()),
        _ => return None,
    };
    Some(headed(&head, &text, language))
}

fn of_video_chats(kind: &str, what: &RawObject, language: Language) -> Option<String> {
    let (head, text) = match kind {
        "video_chat_scheduled" => {
            let start = what.number("start_date").and_then(|date| when(date, language));
            (described::video_chat_scheduled(), start.unwrap_or_default())
        }
        "video_chat_started" => (described::video_chat_started(), String::new()),
        "video_chat_ended" => {
            let length = what.number("duration").map(|seconds| duration(seconds, language));
            (described::video_chat_ended(), length.unwrap_or_default())
        }
        "video_chat_participants_invited" => {
            (described::invited_to_video_chat(), people::all(&what.list("users"), language))
        }
        _ => return None,
    };
    Some(headed(&head, &text, language))
}

fn of_suggested_posts(kind: &str, what: &RawObject, language: Language) -> Option<String> {
    let cost = what.part("price");
    let cost = cost.number("amount").zip(cost.text("currency"));
    let cost = cost.map(|(amount, currency)| price(amount, &currency, language));
    let (head, text) = match kind {
        "suggested_post_approved" => {
            let date = what.number("send_date").and_then(|date| when(date, language));
            let date = date.map(|date| described::published_on(date).say(language));
            (described::post_approved(), row([cost, date]))
        }
        "suggested_post_approval_failed" => (described::post_not_approved(), cost.unwrap_or_default()),
        "suggested_post_declined" => (described::post_declined(), what.text("comment").unwrap_or_default()),
        "suggested_post_paid" => (described::post_paid(), paid(what, language).unwrap_or_default()),
        "suggested_post_refunded" => {
            let why = what.text("reason").map(|why| reason_in_words(&why).say(language));
            (described::post_refunded(), why.unwrap_or_default())
        }
        _ => return None,
    };
    Some(lines([Some(headed(&head, &text, language)), words_of(what, "suggested_post_message", language)]))
}

fn reason_in_words(reason: &str) -> Sentence {
    match reason {
        "post_deleted" => described::post_deleted(),
        "payment_refunded" => described::payment_refunded(),
        other => Sentence::plain(other.replace('_', " ")),
    }
}

fn paid(what: &RawObject, language: Language) -> Option<String> {
    let in_stars = what.part("star_amount").number("amount").map(|amount| stars(amount, language));
    in_stars.or_else(|| Some(price(what.number("amount")?, &what.text("currency")?, language)))
}

fn of_settings(kind: &str, message: &RawObject, what: &RawObject, language: Language) -> Option<String> {
    let (head, text) = match kind {
        "new_chat_photo" => (described::chat_photo_changed(), None),
        "delete_chat_photo" => (described::chat_photo_removed(), None),
        "group_chat_created" => (described::group_created(), None),
        "supergroup_chat_created" => (described::supergroup_created(), None),
        "channel_chat_created" => (described::channel_created(), None),
        "migrate_to_chat_id" | "migrate_from_chat_id" => (described::became_supergroup(), None),
        "new_chat_title" => (described::renamed(), message.text(kind)),
        "pinned_message" => (described::pinned(), words_of(message, kind, language)),
        "chat_background_set" => (described::background_changed(), what.part("type").text("theme_name")),
        "message_auto_delete_timer_changed" => {
            let after = what.number("message_auto_delete_time").unwrap_or_default();
            let text =
                if after > 0 { described::deleted_after(duration(after, language)) } else { described::turned_off() };
            (described::auto_delete(), Some(text.say(language)))
        }
        _ => return None,
    };
    Some(headed(&head, &text.unwrap_or_default(), language))
}
