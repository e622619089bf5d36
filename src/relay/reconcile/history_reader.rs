//! Reads a chat's history page by page, the newest one first, and decides when it is enough.

use std::collections::HashSet;

use crate::{
    domain::{
        address::{KommoMessageId, KommoUserId},
        time::UnixMillis,
    },
    kommo::{chats::HISTORY_PAGE, wire::HistoryItem},
    translate::from_history::{self, Past},
};

/// The most pages that are read of one chat: ten thousand messages. Pages with imported messages alone do not count:
/// there may be many more of them in front of yesterday's messages.
const PAGES: usize = 200;
/// The most pages in all.
const ALL_PAGES: usize = 2000;

/// A message of the history, parsed and as the page has it.
pub(super) type Entry = (Past, HistoryItem);

/// Whether the next page has to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageEnd {
    More,
    /// Everything since the start of the search has been read.
    Enough,
    /// The history is too long, and would be the next time.
    TooLong,
}

/// The pages that were read so far.
pub(super) struct HistoryReader {
    since: UnixMillis,
    customer: Option<KommoUserId>,
    entries: Vec<Entry>,
    seen_ids: HashSet<KommoMessageId>,
    counted: usize,
    all: usize,
}

impl HistoryReader {
    /// A reader of the messages `since` then. A message of `customer` is no answer, whatever its ids.
    pub(super) fn new(since: UnixMillis, customer: Option<KommoUserId>) -> Self {
        Self { since, customer, entries: Vec::new(), seen_ids: HashSet::new(), counted: 0, all: 0 }
    }

    /// Takes the next page.
    pub(super) fn take(&mut self, items: Vec<HistoryItem>) -> PageEnd {
        let is_last = items.len() < HISTORY_PAGE;
        let page = items.into_iter().filter_map(|item| Some((self.read(&item)?, item)));
        // It is not documented by which of its two instants Kommo sorts an imported message: it does not end the
        // reading.
        let (imported, page): (Vec<Entry>, Vec<Entry>) = page.partition(|(past, _)| past.is_imported());
        let has_new = imported.into_iter().filter(|(past, _)| self.seen_ids.insert(past.id.clone())).count() > 0;
        // Nor does a single late message with an earlier date than its neighbours.
        let is_far_enough = !page.is_empty() && page.iter().all(|(past, _)| past.at < self.since);
        self.counted += usize::from(!page.is_empty() || !has_new);
        self.all += 1;
        // While pages are read, new messages push older ones to the next page.
        self.entries.extend(page.into_iter().filter(|(past, _)| self.seen_ids.insert(past.id.clone())));
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

    /// The messages except imported ones, oldest first.
    pub(super) fn oldest_first(mut self) -> Vec<Entry> {
        self.entries.reverse();
        self.entries.sort_by_key(|(past, _)| past.at);
        self.entries
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
    fn imported_messages_neither_count_nor_end_the_reading() {
        let mut read = HistoryReader::new(SINCE, None);
        for n in 0..2 * PAGES {
            assert_eq!(read.take(page(n, 7, "tg:1:2/3:i4")), PageEnd::More, "{n}");
        }
        assert_eq!(read.take(page(0, SINCE.0 - 1, "")), PageEnd::Enough);
        assert_eq!(read.oldest_first().len(), HISTORY_PAGE);
    }

    #[test]
    fn an_endless_history_is_cut() {
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
    fn one_late_message_does_not_end_the_reading() {
        let mut read = HistoryReader::new(SINCE, None);
        let mut late = page(0, SINCE.0, "");
        late[3] = item(9999, SINCE.0 - 1, "");
        assert_eq!(read.take(late), PageEnd::More);
        assert_eq!(read.take(page(1, SINCE.0 - 1, "")), PageEnd::Enough);
        assert_eq!(read.oldest_first()[0].0.at, UnixMillis(SINCE.0 - 1));
    }

    #[test]
    fn a_customers_message_without_our_ids_is_no_answer() {
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
