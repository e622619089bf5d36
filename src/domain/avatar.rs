//! Avatars of customers and groups.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{message::Customer, time::UnixMillis};

/// How long what Telegram has said of a customer's picture is taken to be so.
const GOOD_FOR: Duration = Duration::from_hours(24);
/// How long to wait with another question after one that Telegram did not answer.
const AGAIN_AFTER: Duration = Duration::from_mins(10);

/// A picture that a customer shows of themselves, or a group of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Telegram's id of the picture, the same for every bot and for ever.
    pub unique_id: String,
    /// Telegram's id of the file, good for the bot that was told it alone. The same picture can have several.
    pub file_id: String,
    /// Its size, if Telegram tells it.
    pub size_bytes: Option<u64>,
}

/// What is known of a customer's picture. This is a stored format: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Avatar {
    /// The picture, if there is one that the bot may see.
    pub picture: Option<Picture>,
    /// Links to it are made as of then: the same picture has the same link for as long as that is good.
    pub linked_at: UnixMillis,
    /// The customer's name at that time.
    pub name: String,
    /// The customer's username at that time.
    pub username: Option<String>,
    /// Until when it is taken to be so.
    pub good_until: UnixMillis,
}

/// What Telegram said when it was asked for a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is this one.
    Seen(Picture),
    /// There is none, or none that the bot may see.
    Hidden,
    /// Nothing.
    Unanswered,
}

impl Avatar {
    /// Whether Telegram need not be asked again. Whoever changes their name may have changed their picture too, and a
    /// link to a picture is not given away for as long as it is good (`valid_for`), but for half of that.
    #[must_use]
    pub fn holds(&self, customer: &Customer, now: UnixMillis, valid_for: Duration) -> bool {
        let is_linked = self.picture.is_none() || now < self.linked_at.plus(valid_for / 2);
        now < self.good_until && is_linked && (&self.name, &self.username) == (&customer.name, &customer.username)
    }

    /// What is known after Telegram was asked. A link is made anew with another picture, or when less than half of the
    /// time is left for which it is good (`valid_for`).
    #[must_use]
    pub fn after(before: Option<Self>, look: Look, customer: &Customer, now: UnixMillis, valid_for: Duration) -> Self {
        let (picture, asks_after) = match look {
            Look::Seen(picture) => (Some(picture), GOOD_FOR),
            Look::Hidden => (None, GOOD_FOR),
            Look::Unanswered => (before.as_ref().and_then(|before| before.picture.clone()), AGAIN_AFTER),
        };
        let is_same = |before: &Self| {
            let ids = [&before.picture, &picture].map(|picture| picture.as_ref().map(|it| &it.unique_id));
            ids[0] == ids[1] && now < before.linked_at.plus(valid_for / 2)
        };
        let kept = before.filter(is_same);
        let (picture, linked_at) = kept.map_or((picture, now), |before| (before.picture, before.linked_at));
        let (name, username) = (customer.name.clone(), customer.username.clone());
        Self { picture, linked_at, name, username, good_until: now.plus(asks_after) }
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

    fn seen(unique_id: &str, file_id: &str) -> Look {
        Look::Seen(Picture { unique_id: unique_id.to_owned(), file_id: file_id.to_owned(), size_bytes: None })
    }

    fn after(before: Option<&Avatar>, look: Look, now: UnixMillis) -> Avatar {
        Avatar::after(before.cloned(), look, &ann("Ann", None), now, YEAR)
    }

    #[test]
    fn what_is_known_holds_for_a_day_and_for_one_name() {
        for look in [seen("u", "f"), Look::Hidden] {
            let known = after(None, look, NOW);
            assert!(known.holds(&ann("Ann", None), NOW.plus(Duration::from_hours(23)), YEAR));
            assert!(!known.holds(&ann("Ann", None), NOW.plus(DAY), YEAR));
            assert!(!known.holds(&ann("Anna", None), NOW, YEAR));
            assert!(!known.holds(&ann("Ann", Some("ann")), NOW, YEAR));
        }
    }

    #[test]
    fn a_picture_is_linked_anew_before_its_link_ends() {
        let hours = |hours| Duration::from_hours(hours);
        let holds = |look, after_hours| {
            let known = Avatar::after(None, look, &ann("Ann", None), NOW, hours(12));
            known.holds(&ann("Ann", None), NOW.plus(hours(after_hours)), hours(12))
        };
        assert!(holds(seen("u", "f"), 5) && !holds(seen("u", "f"), 6) && !holds(seen("u", "f"), 13));
        assert!(holds(Look::Hidden, 23));
    }

    #[test]
    fn the_same_picture_is_linked_in_the_same_way_until_its_link_grows_old() {
        let first = after(None, seen("u", "f1"), NOW);
        let next = after(Some(&first), seen("u", "f2"), NOW.plus(DAY));
        assert_eq!((&next.picture, next.linked_at), (&first.picture, NOW));
        let late = NOW.plus(YEAR / 2);
        let renewed = after(Some(&next), seen("u", "f3"), late);
        assert_eq!((renewed.picture.unwrap().file_id.as_str(), renewed.linked_at), ("f3", late));
    }

    #[test]
    fn another_picture_and_none_replace_the_one_that_was() {
        let first = after(None, seen("u", "f1"), NOW);
        let later = NOW.plus(DAY);
        let other = after(Some(&first), seen("v", "f2"), later);
        assert_eq!((other.picture.unwrap().unique_id.as_str(), other.linked_at), ("v", later));
        assert_eq!(after(Some(&first), Look::Hidden, later).picture, None);
    }

    #[test]
    fn silence_changes_nothing_but_when_to_ask() {
        let first = after(None, seen("u", "f1"), NOW);
        let later = NOW.plus(DAY);
        let still = after(Some(&first), Look::Unanswered, later);
        assert_eq!((&still.picture, still.linked_at), (&first.picture, NOW));
        assert_eq!(still.good_until, later.plus(AGAIN_AFTER));
        assert_eq!(after(None, Look::Unanswered, NOW).picture, None);
    }
}
