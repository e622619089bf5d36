//! Which kinds of updates a program gets (`allowed_updates`). Pure.

use crate::{
    domain::program::Sees,
    store::{KeptUpdate, ProgramRow},
    telegram::updates::ALLOWED_UPDATES,
};

/// The kinds that a program has to name to get them (Bot API, `getUpdates`).
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// The kinds that a program has named; `None` for the default ones.
pub(super) type Kinds = Option<Vec<String>>;

/// Reads the parameter `allowed_updates`; `None` if it is absent or no list of strings, so that nothing changes.
pub(super) fn parse(names: Option<Vec<String>>) -> Option<Kinds> {
    let mut kinds: Vec<_> = names?.into_iter().filter(|name| ALLOWED_UPDATES.contains(&name.as_str())).collect();
    kinds.sort();
    kinds.dedup();
    Some((!kinds.is_empty()).then_some(kinds))
}

/// The kinds that a program gets now.
pub(super) fn current(row: &ProgramRow) -> Kinds {
    row.wanted.last().and_then(|(_, kinds)| kinds.clone())
}

/// Sets the kinds of the updates from the number `next` on.
pub(super) fn set(row: &mut ProgramRow, kinds: Kinds, next: i64) {
    if current(row) != kinds {
        row.wanted.retain(|(from, _)| *from < next);
        row.wanted.push((next, kinds));
    }
}

/// Whether an update is for a program. As at Telegram, the setting at the time of the update counts.
pub(super) fn is_for(row: &ProgramRow, sees: Sees, (number, update): (i64, &KeptUpdate)) -> bool {
    let kinds = row.wanted.iter().rev().find(|(from, _)| *from <= number).and_then(|(_, kinds)| kinds.as_ref());
    let is_allowed = match kinds {
        Some(kinds) => kinds.contains(&update.kind),
        None => !ON_REQUEST.contains(&update.kind.as_str()),
    };
    is_allowed && (sees == Sees::All || !update.is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_list_is_read_as_telegrams_server_reads_it() {
        assert_eq!(parse(None), None);
        assert_eq!(parse(Some(names(&[]))), Some(None));
        assert_eq!(parse(Some(names(&["made_up"]))), Some(None));
        assert_eq!(
            parse(Some(names(&["poll", "made_up", "message", "poll"]))),
            Some(Some(names(&["message", "poll"])))
        );
    }

    #[test]
    fn the_setting_at_the_time_of_an_update_counts() {
        let mut row = ProgramRow::default();
        let update = |kind: &str, is_ours| KeptUpdate { kind: kind.to_owned(), is_ours, ..KeptUpdate::default() };
        let sees = |row: &ProgramRow, number, kind| is_for(row, Sees::All, (number, &update(kind, false)));
        assert!(sees(&row, 1, "message") && sees(&row, 1, "from_the_future"));
        assert!(ON_REQUEST.iter().all(|kind| !sees(&row, 1, kind)));
        set(&mut row, Some(names(&["poll"])), 10);
        assert!(sees(&row, 9, "message") && !sees(&row, 10, "message") && sees(&row, 10, "poll"));
        set(&mut row, Some(names(&["poll"])), 15);
        assert_eq!(row.wanted.len(), 1, "nothing has changed");
        set(&mut row, Some(names(&["chat_member"])), 20);
        set(&mut row, None, 30);
        assert!(sees(&row, 19, "poll") && sees(&row, 20, "chat_member") && !sees(&row, 30, "chat_member"));
        assert_eq!(current(&row), None);
    }

    #[test]
    fn sees_leaves_out_answers_to_telekommo() {
        let (row, ours) = (ProgramRow::default(), KeptUpdate { is_ours: true, ..KeptUpdate::default() });
        let sees = |sees, update: &KeptUpdate| is_for(&row, sees, (1, update));
        assert!(sees(Sees::All, &ours) && !sees(Sees::NotOurs, &ours));
        assert!(sees(Sees::NotOurs, &KeptUpdate::default()));
    }
}
