//! A set of mostly consecutive numbers, stored as ranges. If every other number is missing, it is as long as a list.

use serde::{Deserialize, Serialize};

/// Numbers in order. A single number is stored as itself, consecutive ones as the first and the last of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(Vec<Range>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Range {
    One(i64),
    From(i64, i64),
}

impl Range {
    fn of(first: i64, last: i64) -> Self {
        if first == last { Self::One(first) } else { Self::From(first, last) }
    }

    fn ends(self) -> (i64, i64) {
        match self {
            Self::One(number) => (number, number),
            Self::From(first, last) => (first, last),
        }
    }
}

impl Ranges {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last number of the range that contains a number.
    pub(in crate::store) fn end_of(&self, number: i64) -> Option<i64> {
        let place = self.0.partition_point(|range| range.ends().1 < number);
        let (first, last) = self.0.get(place)?.ends();
        (first <= number).then_some(last)
    }

    #[must_use]
    pub fn contains(&self, number: i64) -> bool {
        self.end_of(number).is_some()
    }

    pub fn insert(&mut self, number: i64) {
        let place = self.0.partition_point(|range| range.ends().1 < number.saturating_sub(1));
        let mut joined = (number, number);
        let mut end = place;
        while let Some((first, last)) = self.0.get(end).map(|range| range.ends())
            && first <= number.saturating_add(1)
        {
            joined = (joined.0.min(first), joined.1.max(last));
            end += 1;
        }
        self.0.splice(place..end, [Range::of(joined.0, joined.1)]);
    }

    /// Removes all numbers below one.
    pub(in crate::store) fn remove_below(&mut self, number: i64) {
        let left = self.0.iter().map(|range| range.ends()).filter(|(_, last)| *last >= number);
        self.0 = left.map(|(first, last)| Range::of(first.max(number), last)).collect();
    }
}

impl Extend<i64> for Ranges {
    fn extend<T: IntoIterator<Item = i64>>(&mut self, numbers: T) {
        numbers.into_iter().for_each(|number| self.insert(number));
    }
}

impl FromIterator<i64> for Ranges {
    fn from_iter<T: IntoIterator<Item = i64>>(numbers: T) -> Self {
        let mut ranges = Self::default();
        ranges.extend(numbers);
        ranges
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn consecutive_numbers_are_stored_as_a_range() {
        let ranges: Ranges = [7, 3, 4, 9, 5, 12, 8].into_iter().collect();
        let stored = serde_json::to_string(&ranges).unwrap();
        assert_eq!(stored, "[[3,5],[7,9],12]");
        assert_eq!(serde_json::from_str::<Ranges>(&stored).unwrap(), ranges);
        let many: Ranges = (1..=10_000).filter(|number| *number != 50).collect();
        assert_eq!(serde_json::to_string(&many).unwrap(), "[[1,49],[51,10000]]");
    }

    proptest! {
        #[test]
        fn it_holds_what_a_set_holds(numbers in prop::collection::vec(0..60_i64, 0..80), below in 0..60_i64) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for number in numbers {
                ranges.insert(number);
                set.insert(number);
            }
            ranges.remove_below(below);
            set.retain(|number| *number >= below);
            for number in -2..62 {
                prop_assert_eq!(ranges.contains(number), set.contains(&number), "{}", number);
            }
            let joined: Vec<_> = ranges.0.iter().map(|range| range.ends()).collect();
            prop_assert!(joined.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{:?}", joined);
        }
    }
}
