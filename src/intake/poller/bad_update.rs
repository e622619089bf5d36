//! The search for the update that makes a response unreadable. No I/O.
//!
//! A batch comes as one response, so one bad update would block all behind it, for as long as Telegram keeps it. So
//! after two failures updates are requested one by one, until the one is found that breaks its response alone.

use crate::telegram::{error::OpaqueBody, updates::RawUpdate, wire};

/// The most updates per request (Bot API, `getUpdates`).
const ALL: u8 = 100;
/// The number of unreadable responses in a row that are not blamed on the connection any more.
const MAX_FAILURES: u32 = 2;

/// The state of the search.
#[derive(Debug, Default)]
pub(super) struct BadUpdateSearch {
    /// Unreadable responses in a row.
    failed: u32,
    /// How many more updates are requested one by one.
    single: u8,
    /// The update that broke the last response alone.
    suspect: Option<i64>,
}

impl BadUpdateSearch {
    /// How many updates to request.
    pub(super) const fn limit(&self) -> u8 {
        if self.single > 0 { 1 } else { ALL }
    }

    /// A response with `count` updates was read. The search ends if it was empty, or all updates of the batch were
    /// read.
    pub(super) const fn read(&mut self, count: usize) {
        self.failed = 0;
        self.suspect = None;
        self.single = if count == 0 { 0 } else { self.single.saturating_sub(1) };
    }

    /// A response could not be read. Returns the bad update once it is certain: it came alone, twice.
    pub(super) fn unreadable(&mut self, body: &OpaqueBody, offset: Option<i64>) -> Option<RawUpdate> {
        self.failed = self.failed.saturating_add(1);
        if self.single == 0 {
            if self.failed >= MAX_FAILURES {
                (self.failed, self.single) = (0, ALL);
            }
            return None;
        }
        let raw = wire::first_update(body.text())?;
        let id = wire::update_id(raw).filter(|id| offset.is_none_or(|offset| *id >= offset));
        if id.is_none() || self.suspect != id {
            self.suspect = id;
            return None;
        }
        *self = Self::default();
        Some(RawUpdate { id, raw: raw.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(id: i64) -> OpaqueBody {
        OpaqueBody::new(format!(r#"{{"ok":true,"result":[{{"update_id":{id},"x":\u}}]}}"#))
    }

    #[test]
    fn the_second_unreadable_response_starts_the_search_and_the_bad_update_is_found() {
        let mut search = BadUpdateSearch::default();
        assert_eq!(search.limit(), 100);
        assert_eq!((search.unreadable(&broken(7), Some(7)), search.limit()), (None, 100));
        assert_eq!((search.unreadable(&broken(7), Some(7)), search.limit()), (None, 1));
        search.read(1);
        assert_eq!(search.limit(), 1, "it may be the next one");
        assert_eq!((search.unreadable(&broken(8), Some(8)), search.limit()), (None, 1));
        let found = search.unreadable(&broken(8), Some(8)).unwrap();
        assert_eq!((found.id, found.raw.as_str()), (Some(8), r#"{"update_id":8,"x":\u}]}"#));
        assert_eq!(search.limit(), 100);
    }

    #[test]
    fn the_limit_comes_back_when_nothing_is_found() {
        for (reads, last) in [(1, 0), (100, 1)] {
            let mut search = BadUpdateSearch::default();
            search.unreadable(&broken(7), None);
            search.unreadable(&broken(7), None);
            for _ in 1..reads {
                search.read(1);
                assert_eq!(search.limit(), 1);
            }
            search.read(last);
            assert_eq!(search.limit(), 100);
        }
    }

    #[test]
    fn a_body_without_an_update_of_the_batch_is_never_set_aside() {
        let page = OpaqueBody::new("<html>{[{\"update_id\":7}]}".to_owned());
        for (body, offset) in
            [(OpaqueBody::new(String::new()), None), (OpaqueBody::new("<html>".to_owned()), None), (broken(7), Some(8))]
        {
            let mut search = BadUpdateSearch::default();
            assert!((0..10).all(|_| search.unreadable(&body, offset).is_none()), "{:?}", body.text());
        }
        let mut search = BadUpdateSearch::default();
        assert!((0..10).all(|_| search.unreadable(&page, Some(8)).is_none()));
    }

    #[test]
    fn one_readable_response_clears_the_suspect() {
        let mut search = BadUpdateSearch::default();
        for _ in 0..3 {
            assert_eq!(search.unreadable(&broken(7), None), None);
        }
        search.read(1);
        assert_eq!(search.unreadable(&broken(7), None), None);
    }
}
