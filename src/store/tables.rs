//! All typed tables; [`keys`](crate::store::keys) describes them, and has the others.

use std::collections::BTreeSet;

use crate::{
    domain::{
        address::{BotId, Conversation, KommoChatId, KommoMessageId, MessageId, UserId},
        avatar::Avatar,
        crm::SyncedProfile,
        delivery::UnreadAnswer,
        job::IdempotencyKey,
        membership::{Connection, Membership},
        question::Question,
        time::UnixMillis,
        timestamps::Arrived,
        topic::Topic,
    },
    store::{
        Chat, HeldStart, IncompleteChat, ManagerInitiated, OwnNumber,
        account::AccountRow,
        imported::{ImportedBlock, ImportedChat},
        kept::{KeptKey, KeptUpdate},
        known_up_to::LatestRow,
        programs::ProgramRow,
        table::{Single, Table},
    },
};

pub(super) const ACCOUNT: Single<AccountRow> = Single::new(b"maccount");
pub(super) const CAUGHT_UP: Single<UnixMillis> = Single::new(b"mcaught_up");
pub(super) const CAUGHT_UP_MARK: Single<u64> = Single::new(b"mcaught_up_mark");
pub(super) const BEHIND: Single<Vec<IncompleteChat>> = Single::new(b"mbehind");
pub(super) const LOOKED_AT_ALL: Single<UnixMillis> = Single::new(b"mlooked_at_all");
pub(super) const IMPORTS_BY_MANAGERS: Single<UnixMillis> = Single::new(b"mimports_by_managers");
/// A conversation with each customer who is being erased.
pub(super) const ERASING: Single<BTreeSet<Conversation>> = Single::new(b"merasing");

pub(super) const OFFSETS: Table<BotId, i64> = Table::new(b'o');
pub(super) const TAKEN: Table<IdempotencyKey, UnixMillis> = Table::new(b'd');
pub(super) const CHATS: Table<Conversation, Chat> = Table::new(b'c');
pub(super) const ACTIVITY: Table<Conversation, UnixMillis> = Table::new(b'a');
pub(super) const TO_KOMMO: Table<MessageId, KommoMessageId> = Table::new(b't');
pub(super) const TO_OURS: Table<KommoMessageId, Vec<MessageId>> = Table::new(b'k');
pub(super) const MEMBERSHIPS: Table<Conversation, Membership> = Table::new(b'b');
pub(super) const CONNECTIONS: Table<str, Connection> = Table::new(b'h');
pub(super) const NEWEST_CONNECTIONS: Table<str, String> = Table::new(b'w');
pub(super) const MOVED_TO: Table<Conversation, i64> = Table::new(b'g');
pub(super) const MOVED_FROM: Table<Conversation, Conversation> = Table::new(b'f');
pub(super) const NEWEST: Table<Conversation, i64> = Table::new(b'n');
pub(super) const TOPICS: Table<Conversation, i64> = Table::new(b'z');
pub(super) const UNDER_WAY: Table<Conversation, (KommoMessageId, Topic)> = Table::new(b'0');
pub(super) const LATEST: Table<Conversation, LatestRow> = Table::new(b'1');
pub(super) const ARRIVED: Table<Conversation, Vec<Arrived>> = Table::new(b'2');
pub(super) const QUESTIONS: Table<Conversation, Question> = Table::new(b'3');
pub(super) const IMPORTED: Table<ImportedBlock, Vec<u16>> = Table::new(b'4');
pub(super) const IMPORTED_CHATS: Table<str, ImportedChat> = Table::new(b'5');
pub(super) const KEPT: Table<KeptKey, KeptUpdate> = Table::new(b'6');
pub(super) const PROGRAMS: Table<String, ProgramRow> = Table::new(b'7');
pub(super) const NEXT_KEPT: Table<BotId, i64> = Table::new(b'8');
pub(super) const ATTENDED: Table<Conversation, UnixMillis> = Table::new(b'9');
pub(super) const UNREAD: Table<Conversation, Vec<UnreadAnswer>> = Table::new(b'u');
pub(super) const INVITATIONS: Table<str, String> = Table::new(b'i');
pub(super) const HELD: Table<Conversation, HeldStart> = Table::new(b'x');
pub(super) const SYNCED_PROFILES: Table<Conversation, SyncedProfile> = Table::new(b'y');
pub(super) const OWNERS: Table<str, OwnNumber> = Table::new(b'q');
pub(super) const NUMBERS: Table<UserId, OwnNumber> = Table::new(b'r');
pub(super) const OPENINGS: Table<Conversation, ManagerInitiated> = Table::new(b'l');
pub(super) const OPENED: Table<KommoChatId, Conversation> = Table::new(b's');
pub(super) const AVATARS: Table<str, Avatar> = Table::new(b'v');
