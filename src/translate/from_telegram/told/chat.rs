//! What happens to a chat (Bot API, the service messages of `Message`).

use crate::{
    telegram::wire::Part,
    translate::from_telegram::{
        people,
        told::{
            amount::{count, lasting, price, stars, when},
            headed, lines, row, words_of,
        },
    },
};

/// What is said by a message of one of these kinds.
pub(super) fn line(kind: &str, message: &Part, what: &Part) -> Option<String> {
    None.or_else(|| of_members(kind, message, what))
        .or_else(|| of_topics(kind, what))
        .or_else(|| of_video_chats(kind, what))
        .or_else(|| of_suggested_posts(kind, what))
        .or_else(|| of_settings(kind, message, what))
}

fn of_members(kind: &str, message: &Part, what: &Part) -> Option<String> {
    Some(match kind {
        "new_chat_members" => headed("joined the chat", &people::all(&message.list(kind))),
        "left_chat_member" => headed("left the chat", &people::named(what)),
        "chat_owner_left" => {
            let next = people::known(&what.part("new_owner")).map(|next| format!("the next owner is {next}"));
            headed("the owner left the chat", &next.unwrap_or_default())
        }
        "chat_owner_changed" => headed("new owner of the chat", &people::named(&what.part("new_owner"))),
        "community_chat_added" => headed("added to the community", &community(what)),
        "community_chat_joined" => headed("joined from the community", &community(what)),
        "community_chat_removed" => headed("removed from the community", ""),
        "boost_added" => headed("chat boosted", &what.number("boost_count").map(|by| count(by, "boost"))?),
        _ => return None,
    })
}

fn community(what: &Part) -> String {
    what.part("community").text("name").map(|name| people::one_line(&name)).unwrap_or_default()
}

fn of_topics(kind: &str, what: &Part) -> Option<String> {
    let name = || what.text("name").unwrap_or_default();
    Some(match kind {
        "forum_topic_created" => headed("topic created", &name()),
        "forum_topic_edited" => headed("topic changed", &name()),
        "forum_topic_closed" => headed("topic closed", ""),
        "forum_topic_reopened" => headed("topic reopened", ""),
        "general_forum_topic_hidden" => headed("general topic hidden", ""),
        "general_forum_topic_unhidden" => headed("general topic shown again", ""),
        _ => return None,
    })
}

fn of_video_chats(kind: &str, what: &Part) -> Option<String> {
    Some(match kind {
        "video_chat_scheduled" => {
            headed("video chat scheduled", &what.number("start_date").and_then(when).unwrap_or_default())
        }
        "video_chat_started" => headed("video chat started", ""),
        "video_chat_ended" => headed("video chat ended", &what.number("duration").map(lasting).unwrap_or_default()),
        "video_chat_participants_invited" => headed("invited to the video chat", &people::all(&what.list("users"))),
        _ => return None,
    })
}

fn of_suggested_posts(kind: &str, what: &Part) -> Option<String> {
    let cost = what.part("price");
    let cost = cost.number("amount").zip(cost.text("currency")).map(|(amount, currency)| price(amount, &currency));
    let (head, says) = match kind {
        "suggested_post_approved" => {
            let date = what.number("send_date").and_then(when).map(|when| format!("published on {when}"));
            ("suggested post approved", row([cost, date]))
        }
        "suggested_post_approval_failed" => {
            ("suggested post not approved, for lack of funds", cost.unwrap_or_default())
        }
        "suggested_post_declined" => ("suggested post declined", what.text("comment").unwrap_or_default()),
        "suggested_post_paid" => ("suggested post paid", paid(what).unwrap_or_default()),
        "suggested_post_refunded" => {
            ("payment for a suggested post refunded", what.text("reason").unwrap_or_default().replace('_', " "))
        }
        _ => return None,
    };
    Some(lines([Some(headed(head, &says)), words_of(what, "suggested_post_message")]))
}

fn paid(what: &Part) -> Option<String> {
    let in_stars = what.part("star_amount").number("amount").map(stars);
    in_stars.or_else(|| Some(price(what.number("amount")?, &what.text("currency")?)))
}

fn of_settings(kind: &str, message: &Part, what: &Part) -> Option<String> {
    let head = match kind {
        "new_chat_photo" => "chat photo changed",
        "delete_chat_photo" => "chat photo removed",
        "group_chat_created" => "group created",
        "supergroup_chat_created" => "supergroup created",
        "channel_chat_created" => "channel created",
        "migrate_to_chat_id" | "migrate_from_chat_id" => "the group became a supergroup",
        "new_chat_title" => return Some(headed("chat renamed", &message.text(kind).unwrap_or_default())),
        "pinned_message" => return Some(headed("pinned message", &words_of(message, kind).unwrap_or_default())),
        "chat_background_set" => {
            return Some(headed("chat background changed", &what.part("type").text("theme_name").unwrap_or_default()));
        }
        "message_auto_delete_timer_changed" => {
            let after = what.number("message_auto_delete_time").unwrap_or_default();
            let says = if after > 0 {
                format!("messages are deleted after {}", lasting(after))
            } else {
                "turned off".to_owned()
            };
            return Some(headed("auto-delete", &says));
        }
        _ => return None,
    };
    Some(headed(head, ""))
}
