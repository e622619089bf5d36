//! Groups, supergroups and channels that a bot is in.

use std::collections::BTreeSet;

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage, GroupCard, Piece,
        methods::Refusal,
        responses,
        world::{Bot, World},
    },
};

/// What a chat of many people is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// A small group, which may become a supergroup.
    Group,
    Supergroup,
    /// A channel: it speaks as itself.
    Channel,
}

impl GroupKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Supergroup => "supergroup",
            Self::Channel => "channel",
        }
    }
}

/// A chat of many people, to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup {
    /// Its id: below 0; those of supergroups and channels start with `-100`.
    pub id: i64,
    pub kind: GroupKind,
    pub title: String,
    /// Who is in it. The first of them lets the bot in.
    pub members: Vec<i64>,
}

/// What is told of every administrator (Bot API, `ChatMemberAdministrator`).
const RIGHTS: [&str; 13] = [
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_send_welcome_messages",
    "can_edit_stories",
    "can_delete_stories",
];

/// How a bot stands in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In a channel, one who may post.
    Admin,
    Member,
    Left,
    Kicked,
}

impl Standing {
    const fn name(self) -> &'static str {
        match self {
            Self::Admin => "administrator",
            Self::Member => "member",
            Self::Left => "left",
            Self::Kicked => "kicked",
        }
    }
}

/// A chat of many people, as one bot sees it.
#[derive(Clone)]
pub(super) struct Group {
    kind: GroupKind,
    title: String,
    members: BTreeSet<i64>,
    standing: Standing,
    migrated_to: Option<i64>,
    /// Whether it has topics.
    pub(super) is_forum: bool,
    /// The picture of it.
    pub(super) photo: Option<Bytes>,
}

impl Group {
    /// `Chat`.
    pub(super) fn shape(&self, id: i64) -> Value {
        let mut shape = json!({ "id": id, "title": self.title, "type": self.kind.name() });
        if self.is_forum {
            shape["is_forum"] = json!(true);
        }
        shape
    }

    /// Why the bot may not write, if it may not (server source, `check_chat_access`).
    pub(super) fn refusal(&self) -> Option<Refusal> {
        if self.migrated_to.is_some() {
            let upgraded = Refusal::new(400, "Bad Request: group chat was upgraded to a supergroup chat");
            return Some(Refusal { migrate_to: self.migrated_to, ..upgraded });
        }
        let why = match (self.standing, self.kind) {
            (Standing::Admin | Standing::Member, _) => return None,
            (Standing::Kicked, GroupKind::Group) => "Forbidden: bot was kicked from the group chat",
            (Standing::Kicked, GroupKind::Supergroup) => "Forbidden: bot was kicked from the supergroup chat",
            (Standing::Kicked, GroupKind::Channel) => "Forbidden: bot was kicked from the channel chat",
            (Standing::Left, GroupKind::Group) => "Forbidden: bot is not a member of the group chat",
            (Standing::Left, GroupKind::Supergroup) => "Forbidden: bot is not a member of the supergroup chat",
            (Standing::Left, GroupKind::Channel) => "Forbidden: bot is not a member of the channel chat",
        };
        Some(Refusal::new(403, why))
    }

    /// Whether the bot is told who reacts with what: only as an administrator (Bot API, `Update.message_reaction`), and
    /// in channels nobody is.
    pub(super) fn tells_of_reactions(&self) -> bool {
        self.standing == Standing::Admin && self.kind != GroupKind::Channel
    }

    /// As it is to be seen.
    pub(super) fn card(&self, id: i64) -> GroupCard {
        let has_bot = matches!(self.standing, Standing::Admin | Standing::Member);
        GroupCard { id, title: self.title.clone(), members: self.members.iter().copied().collect(), has_bot }
    }

    /// How a bot stands that is let in.
    const fn welcome(&self) -> Standing {
        match self.kind {
            GroupKind::Group | GroupKind::Supergroup => Standing::Member,
            GroupKind::Channel => Standing::Admin,
        }
    }
}

impl Bot {
    /// Whether it is told of what somebody says in a chat. One that does not read all in groups sees only commands and
    /// answers to what it wrote itself there (Bot API, privacy mode).
    pub(super) fn hears(&self, chat_id: i64, message: &ChatMessage) -> bool {
        let (Some(group), Some(chat)) = (self.groups.get(&chat_id), self.chats.get(&chat_id)) else { return true };
        let answers_bot =
            message.reply_to.is_some_and(|to| chat.messages.iter().any(|it| it.message_id == to && it.from_bot));
        match group.standing {
            Standing::Admin => true,
            Standing::Member => self.user.reads_all || answers_bot || message.text.starts_with('/'),
            Standing::Left | Standing::Kicked => false,
        }
    }
}

impl World {
    pub(super) fn add_group(&mut self, token: &str, group: NewGroup, now: UnixMillis) -> Option<()> {
        let bot = self.bots.get_mut(token)?;
        let by = *group.members.first()?;
        let members = group.members.into_iter().collect();
        let NewGroup { id, kind, title, .. } = group;
        let (standing, migrated_to, is_forum, photo) = (Standing::Left, None, false, None);
        bot.groups.insert(id, Group { kind, title, members, standing, migrated_to, is_forum, photo });
        bot.chats.entry(id).or_default();
        self.let_in(token, id, by, now)
    }

    /// Somebody lets the bot in.
    pub(super) fn let_in(&mut self, token: &str, id: i64, by: i64, now: UnixMillis) -> Option<()> {
        let standing = self.bots.get(token)?.groups.get(&id)?.welcome();
        self.stand(token, id, by, standing, now)
    }

    /// The bot stands otherwise in the group from now on.
    pub(super) fn stand(&mut self, token: &str, id: i64, by: i64, new: Standing, now: UnixMillis) -> Option<()> {
        let from = responses::user(&self.customers.get(&by)?.card);
        let bot = self.bots.get_mut(token)?;
        let group = bot.groups.get_mut(&id)?;
        let old = std::mem::replace(&mut group.standing, new);
        let member = |standing: Standing| {
            let mut member = json!({ "user": bot.user.user(), "status": standing.name() });
            match standing {
                Standing::Kicked => member["until_date"] = json!(0),
                Standing::Admin => RIGHTS.iter().for_each(|right| member[*right] = json!(false)),
                Standing::Left | Standing::Member => {}
            }
            member
        };
        let update = json!({ "chat": group.shape(id), "from": from, "date": now.seconds(),
            "old_chat_member": member(old), "new_chat_member": member(new) });
        bot.queue.push("my_chat_member", &update, now);
        Some(())
    }

    /// A member writes, or a channel posts if nobody is named.
    pub(super) fn say_in_group(
        &mut self,
        token: &str,
        id: i64,
        member: Option<i64>,
        message: ChatMessage,
        now: UnixMillis,
    ) -> Option<i64> {
        let bot = self.bots.get(token)?;
        let group = bot.groups.get(&id)?;
        if member.is_some_and(|member| !group.members.contains(&member)) {
            return None;
        }
        let seen = bot.hears(id, &message);
        let mut spot = self.spot(token, id)?;
        let update = spot.add(ChatMessage { sender: member.unwrap_or(id), at_ms: now.0, ..message });
        if seen {
            spot.queue.push(if member.is_some() { "message" } else { "channel_post" }, &update, now);
        }
        update["message_id"].as_i64()
    }

    /// A group becomes a supergroup: a service message in both says so.
    pub(super) fn migrate(&mut self, token: &str, id: i64, to: i64, now: UnixMillis) -> Option<()> {
        let bot = self.bots.get_mut(token)?;
        let old = bot.groups.get_mut(&id)?;
        let new = Group { kind: GroupKind::Supergroup, ..old.clone() };
        old.migrated_to = Some(to);
        let by = old.members.first().copied()?;
        bot.groups.insert(to, new);
        bot.chats.entry(to).or_default();
        for (chat, field, other) in [(id, "migrate_to_chat_id", to), (to, "migrate_from_chat_id", id)] {
            let piece = Some(Piece { field: field.to_owned(), value: json!(other) });
            let mut spot = self.spot(token, chat)?;
            let update = spot.add(ChatMessage { sender: by, at_ms: now.0, piece, ..ChatMessage::default() });
            spot.queue.push("message", &update, now);
        }
        Some(())
    }
}
