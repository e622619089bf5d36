//! How far a chat's history is read, page by page, the newest one first.

use std::collections::HashSet;

use crate::{
    domain::{
        address::{KommoMessageId, KommoUserId},
        time::UnixMillis,
    },
    kommo::{chats::HISTORY_PAGE, wire::HistoryItem},
    translate::from_history::{self, Past},
};

/// The most pages that are read of one chat: ten thousand messages. Those do not count that were imported alone: there
/// may be many more of them, in front of what was said yesterday.
const PAGES: usize = 200;
/// The most pages in all.
const ALL_PAGES: usize = 2000;

/// A message of the history, and the page's own form of it.
pub(super) type Told = (Past, HistoryItem);

/// Whether there is more to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageEnd {
    /// There is.
    More,
    /// All of it is there.
    Enough,
    /// There is, but it was enough of it: the next time it would be no less.
    TooLong,
}

/// What was read so far.
pub(super) struct HistoryReader {
    since: UnixMillis,
    customer: Option<KommoUserId>,
    told: Vec<Told>,
    seen: HashSet<KommoMessageId>,
    counted: usize,
    all: usize,
}

impl HistoryReader {
    /// Nothing yet, of what was said `since` then. What `customer` said is no answer, by whichever id it is told.
    pub(super) fn new(since: UnixMillis, customer: Option<KommoUserId>) -> Self {
        Self { since, customer, told: Vec::new(), seen: HashSet::new(), counted: 0, all: 0 }
    }

    /// Takes the next page.
    pub(super) fn take(&mut self, items: Vec<HistoryItem>) -> PageEnd {
        let is_last = items.len() < HISTORY_PAGE;
        let page = items.into_iter().filter_map(|item| Some((self.read(&item)?, item)));
        // By which of its two instants an imported message is sorted is not documented: it ends nothing.
        let (imported, page): (Vec<Told>, Vec<Told>) = page.partition(|(past, _)| past.is_imported());
        let has_new = imported.into_iter().filter(|(past, _)| self.seen.insert(past.id.clone())).count() > 0;
        // Nor does a single message that came late and tells of an earlier instant than its neighbours.
        let is_far_enough = !page.is_empty() && page.iter().all(|(past, _)| past.at < self.since);
        self.counted += usize::from(!page.is_empty() || !has_new);
        self.all += 1;
        // While pages are read, new messages push older ones to the next page.
        self.told.extend(page.into_iter().filter(|(past, _)| self.seen.insert(past.id.clone())));
        match (is_last || is_far_enough, self.counted < PAGES && self.all < ALL_PAGES) {
            (true, _) => PageEnd::Enough,
            (false, true) => PageEnd::More,
            (false, false) => PageEnd::TooLong,
        }
    }

    fn read(&self, item: &HistoryItem) -> Option<Past> {
        let past = from_history::read(item)?;
        let is_customers = self.customer.as_ref().is_some_and(|customer| past.is_by(customer));
        Some(Past { is_answer: past.is_answer && !is_customers, ..past })
    }

    /// What was said, without what was imported, oldest first.
    pub(super) fn oldest_first(mut self) -> Vec<Told> {
        self.told.reverse();
        self.told.sort_by_key(|(past, _)| past.at);
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINCE: UnixMillis = UnixMillis(1_000_000);

    /// A message written at `at_ms`, number `n` of its kind.
    fn item(n: usize, at_ms: i64, ours: &str) -> HistoryItem {
        let raw = format!(r#"{{"msec_timestamp":{at_ms},"message":{{"id":"{ours}{n}","client_id":"{ours}"}}}}"#);
        serde_json::from_str(&raw).unwrap()
    }

    fn page(first: usize, at_ms: i64, ours: &str) -> Vec<HistoryItem> {
        (0..HISTORY_PAGE).map(|n| item(first * HISTORY_PAGE + n, at_ms, ours)).collect()
    }

    #[test]
    fn what_was_imported_neither_counts_nor_ends_anything() {
        let mut read = HistoryReader::new(SINCE, None);
        for n in 0..2 * PAGES {
            assert_eq!(read.take(page(n, 7, "tg:1:2/3:i4")), PageEnd::More, "{n}");
        }
        assert_eq!(read.take(page(0, SINCE.0 - 1, "")), PageEnd::Enough);
        assert_eq!(read.oldest_first().len(), HISTORY_PAGE);
    }

    #[test]
    fn a_history_without_an_end_is_left() {
        let imported = "tg:1:2/3:i4";
        for (what, ours, again, most) in [
            ("talk", "", false, PAGES),
            ("the same page for ever", imported, true, PAGES),
            ("imports", imported, false, ALL_PAGES),
        ] {
            let mut read = HistoryReader::new(SINCE, None);
            let mut pages = 0..;
            while read.take(page(if again { 0 } else { pages.start }, SINCE.0, ours)) == PageEnd::More {
                pages.next();
                assert!(pages.start <= most, "{what}");
            }
            assert!(pages.start >= most - 1, "{what}");
        }
    }

    #[test]
    fn one_message_that_came_late_ends_nothing() {
        let mut read = HistoryReader::new(SINCE, None);
        let mut late = page(0, SINCE.0, "");
        late[3] = item(9999, SINCE.0 - 1, "");
        assert_eq!(read.take(late), PageEnd::More);
        assert_eq!(read.take(page(1, SINCE.0 - 1, "")), PageEnd::Enough);
        assert_eq!(read.oldest_first()[0].0.at, UnixMillis(SINCE.0 - 1));
    }

    #[test]
    fn what_the_customer_said_is_no_answer_though_it_lacks_ids_of_ours() {
        let raw = r#"{"msec_timestamp":1000000,"sender":{"id":"anna"},"message":{"id":"m"}}"#;
        let item: HistoryItem = serde_json::from_str(raw).unwrap();
        for (customer, is_answer) in [("anna", false), ("ben", true)] {
            let mut read = HistoryReader::new(SINCE, Some(KommoUserId(customer.to_owned())));
            read.take(vec![item.clone()]);
            assert_eq!(read.oldest_first()[0].0.is_answer, is_answer, "{customer}");
        }
    }

    #[test]
    fn a_page_that_is_not_full_is_the_last() {
        assert_eq!(HistoryReader::new(SINCE, None).take(vec![item(1, SINCE.0, "")]), PageEnd::Enough);
        assert_eq!(HistoryReader::new(SINCE, None).take(Vec::new()), PageEnd::Enough);
    }
}
