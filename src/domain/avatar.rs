//! Avatars of customers and groups.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{message::Customer, time::UnixMillis};

/// How long the answer of Telegram about a picture is valid.
const VALID_FOR: Duration = Duration::from_hours(24);
/// How long to wait before asking again if Telegram did not answer.
const RETRY_AFTER: Duration = Duration::from_mins(10);

/// The profile picture of a customer or a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Telegram's id of the picture, the same for every bot and for ever.
    pub unique_id: String,
    /// Telegram's id of the file, valid only for the bot that received it. The same picture can have several.
    pub file_id: String,
    /// Its size, if known.
    pub size_bytes: Option<u64>,
}

/// The last known picture of a customer. This is a stored format: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Avatar {
    /// The picture, if there is one that the bot may see.
    pub picture: Option<Picture>,
    /// When its link was made. The same picture keeps the same link for as long as the link is valid.
    pub linked_at: UnixMillis,
    /// The customer's name at that time.
    pub name: String,
    /// The customer's username at that time.
    pub username: Option<String>,
    /// When Telegram has to be asked again.
    pub good_until: UnixMillis,
}

/// The result of asking Telegram for a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureLookup {
    Found(Picture),
    /// There is none, or none that the bot may see.
    Hidden,
    /// Telegram did not answer.
    Unanswered,
}

impl Avatar {
    /// Whether Telegram need not be asked again. A customer who has changed their name may have changed their picture
    /// too. A link is handed out for half of the time that it is valid (`valid_for`).
    #[must_use]
    pub fn is_current(&self, customer: &Customer, now: UnixMillis, valid_for: Duration) -> bool {
        let is_linked = self.picture.is_none() || now < self.linked_at.plus(valid_for / 2);
        now < self.good_until && is_linked && (&self.name, &self.username) == (&customer.name, &customer.username)
    }

    /// The avatar after a lookup. It gets a new link with another picture, or when less than half of the link's time
    /// (`valid_for`) is left.
    #[must_use]
    pub fn after(
        before: Option<Self>,
        lookup: PictureLookup,
        customer: &Customer,
        now: UnixMillis,
        valid_for: Duration,
    ) -> Self {
        let (picture, valid_for_now) = match lookup {
            PictureLookup::Found(picture) => (Some(picture), VALID_FOR),
            PictureLookup::Hidden => (None, VALID_FOR),
            PictureLookup::Unanswered => (before.as_ref().and_then(|before| before.picture.clone()), RETRY_AFTER),
        };
        let is_same = |before: &Self| {
            let ids = [&before.picture, &picture].map(|picture| picture.as_ref().map(|it| &it.unique_id));
            ids[0] == ids[1] && now < before.linked_at.plus(valid_for / 2)
        };
        let same = before.filter(is_same);
        let (picture, linked_at) = same.map_or((picture, now), |before| (before.picture, before.linked_at));
        let (name, username) = (customer.name.clone(), customer.username.clone());
        Self { picture, linked_at, name, username, good_until: now.plus(valid_for_now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{ContactId, UserId};

    const NOW: UnixMillis = UnixMillis(1_786_017_600_000);
    const YEAR: Duration = Duration::from_hours(24 * 365);
    const DAY: Duration = Duration::from_hours(24);

    fn ann(name: &str, username: Option<&str>) -> Customer {
        let username = username.map(str::to_owned);
        Customer { id: ContactId::Person(UserId(7)), name: name.to_owned(), username, phone: None }
    }

    fn found(unique_id: &str, file_id: &str) -> PictureLookup {
        PictureLookup::Found(Picture { unique_id: unique_id.to_owned(), file_id: file_id.to_owned(), size_bytes: None })
    }

    fn after(before: Option<&Avatar>, lookup: PictureLookup, now: UnixMillis) -> Avatar {
        Avatar::after(before.cloned(), lookup, &ann("Ann", None), now, YEAR)
    }

    #[test]
    fn an_avatar_is_current_for_a_day_and_for_one_name() {
        for lookup in [found("u", "f"), PictureLookup::Hidden] {
            let avatar = after(None, lookup, NOW);
            assert!(avatar.is_current(&ann("Ann", None), NOW.plus(Duration::from_hours(23)), YEAR));
            assert!(!avatar.is_current(&ann("Ann", None), NOW.plus(DAY), YEAR));
            assert!(!avatar.is_current(&ann("Anna", None), NOW, YEAR));
            assert!(!avatar.is_current(&ann("Ann", Some("ann")), NOW, YEAR));
        }
    }

    #[test]
    fn a_picture_gets_a_new_link_before_its_link_expires() {
        let hours = |hours| Duration::from_hours(hours);
        let is_current = |lookup, after_hours| {
            let avatar = Avatar::after(None, lookup, &ann("Ann", None), NOW, hours(12));
            avatar.is_current(&ann("Ann", None), NOW.plus(hours(after_hours)), hours(12))
        };
        assert!(is_current(found("u", "f"), 5) && !is_current(found("u", "f"), 6) && !is_current(found("u", "f"), 13));
        assert!(is_current(PictureLookup::Hidden, 23));
    }

    #[test]
    fn the_same_picture_keeps_its_link_for_half_of_its_time() {
        let first = after(None, found("u", "f1"), NOW);
        let next = after(Some(&first), found("u", "f2"), NOW.plus(DAY));
        assert_eq!((&next.picture, next.linked_at), (&first.picture, NOW));
        let late = NOW.plus(YEAR / 2);
        let renewed = after(Some(&next), found("u", "f3"), late);
        assert_eq!((renewed.picture.unwrap().file_id.as_str(), renewed.linked_at), ("f3", late));
    }

    #[test]
    fn another_picture_and_none_replace_the_former_one() {
        let first = after(None, found("u", "f1"), NOW);
        let later = NOW.plus(DAY);
        let other = after(Some(&first), found("v", "f2"), later);
        assert_eq!((other.picture.unwrap().unique_id.as_str(), other.linked_at), ("v", later));
        assert_eq!(after(Some(&first), PictureLookup::Hidden, later).picture, None);
    }

    #[test]
    fn a_missing_answer_changes_only_when_to_ask_again() {
        let first = after(None, found("u", "f1"), NOW);
        let later = NOW.plus(DAY);
        let still = after(Some(&first), PictureLookup::Unanswered, later);
        assert_eq!((&still.picture, still.linked_at), (&first.picture, NOW));
        assert_eq!(still.good_until, later.plus(RETRY_AFTER));
        assert_eq!(after(None, PictureLookup::Unanswered, NOW).picture, None);
    }
}
