//! Narrowing down which update makes an answer unreadable. No I/O.
//!
//! A batch comes as one answer, so one update that breaks it would stop all behind it, for as long as Telegram keeps
//! it. So after a while updates are asked for singly, until the one is found that is alone and still breaks its answer.

use crate::telegram::{error::OpaqueBody, updates::RawUpdate, wire};

/// How many updates are asked for at once: as many as Telegram gives.
const ALL: u8 = 100;
/// After so many unreadable answers in a row, it is not the line.
const TRIES: u32 = 2;

/// How many updates are asked for, and why.
#[derive(Debug, Default)]
pub(super) struct BadUpdateSearch {
    /// Unreadable answers in a row.
    failed: u32,
    /// How many more updates are asked for singly.
    singly: u8,
    /// The update that alone broke the last answer.
    suspect: Option<i64>,
}

impl BadUpdateSearch {
    /// How many updates are asked for.
    pub(super) const fn limit(&self) -> u8 {
        if self.singly > 0 { 1 } else { ALL }
    }

    /// An answer was read that brought so many updates. Where there is no more, or all of the batch have passed,
    /// nothing is left to be found.
    pub(super) const fn read(&mut self, count: usize) {
        self.failed = 0;
        self.suspect = None;
        self.singly = if count == 0 { 0 } else { self.singly.saturating_sub(1) };
    }

    /// An answer could not be read. Returns the update that is why, once that is certain: it came alone, twice.
    pub(super) fn unreadable(&mut self, body: &OpaqueBody, offset: Option<i64>) -> Option<RawUpdate> {
        self.failed = self.failed.saturating_add(1);
        if self.singly == 0 {
            if self.failed >= TRIES {
                (self.failed, self.singly) = (0, ALL);
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
    fn the_second_unreadable_answer_narrows_it_down_and_the_culprit_is_found() {
        let mut narrowing = BadUpdateSearch::default();
        assert_eq!(narrowing.limit(), 100);
        assert_eq!((narrowing.unreadable(&broken(7), Some(7)), narrowing.limit()), (None, 100));
        assert_eq!((narrowing.unreadable(&broken(7), Some(7)), narrowing.limit()), (None, 1));
        narrowing.read(1);
        assert_eq!(narrowing.limit(), 1, "it may be the next one");
        assert_eq!((narrowing.unreadable(&broken(8), Some(8)), narrowing.limit()), (None, 1));
        let found = narrowing.unreadable(&broken(8), Some(8)).unwrap();
        assert_eq!((found.id, found.raw.as_str()), (Some(8), r#"{"update_id":8,"x":\u}]}"#));
        assert_eq!(narrowing.limit(), 100);
    }

    #[test]
    fn the_limit_comes_back_when_nothing_is_found() {
        for (reads, last) in [(1, 0), (100, 1)] {
            let mut narrowing = BadUpdateSearch::default();
            narrowing.unreadable(&broken(7), None);
            narrowing.unreadable(&broken(7), None);
            for _ in 1..reads {
                narrowing.read(1);
                assert_eq!(narrowing.limit(), 1);
            }
            narrowing.read(last);
            assert_eq!(narrowing.limit(), 100);
        }
    }

    #[test]
    fn what_names_no_update_of_the_batch_is_never_set_aside() {
        let page = OpaqueBody::new("<html>{[{\"update_id\":7}]}".to_owned());
        for (body, offset) in
            [(OpaqueBody::new(String::new()), None), (OpaqueBody::new("<html>".to_owned()), None), (broken(7), Some(8))]
        {
            let mut narrowing = BadUpdateSearch::default();
            assert!((0..10).all(|_| narrowing.unreadable(&body, offset).is_none()), "{:?}", body.text());
        }
        let mut narrowing = BadUpdateSearch::default();
        assert!((0..10).all(|_| narrowing.unreadable(&page, Some(8)).is_none()));
    }

    #[test]
    fn one_answer_that_reads_acquits_the_suspect() {
        let mut narrowing = BadUpdateSearch::default();
        for _ in 0..3 {
            assert_eq!(narrowing.unreadable(&broken(7), None), None);
        }
        narrowing.read(1);
        assert_eq!(narrowing.unreadable(&broken(7), None), None);
    }
}
