//! Which updates a program gets. Pure.

use crate::{
    domain::program::Sees,
    store::{KeptUpdate, ProgramRow},
    telegram::updates::ALLOWED_UPDATES,
};

/// The kinds that a program has to ask for by name (Bot API, `getUpdates`).
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// The kinds that a program asks for; `None` for the usual ones.
pub(super) type Kinds = Option<Vec<String>>;

/// Reads the parameter `allowed_updates`: `None` (nothing changes) if it is absent or no list of texts.
pub(super) fn asked(names: Option<Vec<String>>) -> Option<Kinds> {
    let mut known: Vec<_> = names?.into_iter().filter(|name| ALLOWED_UPDATES.contains(&name.as_str())).collect();
    known.sort();
    known.dedup();
    Some((!known.is_empty()).then_some(known))
}

/// What a program wants now.
pub(super) fn now(row: &ProgramRow) -> Kinds {
    row.wanted.last().and_then(|(_, kinds)| kinds.clone())
}

/// A program wants other kinds, of what comes with this number or later.
pub(super) fn change(row: &mut ProgramRow, kinds: Kinds, next: i64) {
    if now(row) != kinds {
        row.wanted.retain(|(from, _)| *from < next);
        row.wanted.push((next, kinds));
    }
}

/// Whether an update is for a program: what counts is what it wanted when the update came, as at Telegram.
pub(super) fn is_for(row: &ProgramRow, sees: Sees, (number, update): (i64, &KeptUpdate)) -> bool {
    let kinds = row.wanted.iter().rev().find(|(from, _)| *from <= number).and_then(|(_, kinds)| kinds.as_ref());
    let is_wanted = match kinds {
        Some(kinds) => kinds.contains(&update.kind),
        None => !ON_REQUEST.contains(&update.kind.as_str()),
    };
    is_wanted && (sees == Sees::All || !update.is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_list_is_read_as_telegrams_server_reads_it() {
        assert_eq!(asked(None), None);
        assert_eq!(asked(Some(names(&[]))), Some(None));
        assert_eq!(asked(Some(names(&["made_up"]))), Some(None));
        assert_eq!(
            asked(Some(names(&["poll", "made_up", "message", "poll"]))),
            Some(Some(names(&["message", "poll"])))
        );
    }

    #[test]
    fn what_counts_is_what_was_wanted_when_it_came() {
        let mut row = ProgramRow::default();
        let of = |kind: &str, is_ours| KeptUpdate { kind: kind.to_owned(), is_ours, ..KeptUpdate::default() };
        let sees = |row: &ProgramRow, number, kind| is_for(row, Sees::All, (number, &of(kind, false)));
        assert!(sees(&row, 1, "message") && sees(&row, 1, "from_the_future"));
        assert!(ON_REQUEST.iter().all(|kind| !sees(&row, 1, kind)));
        change(&mut row, Some(names(&["poll"])), 10);
        assert!(sees(&row, 9, "message") && !sees(&row, 10, "message") && sees(&row, 10, "poll"));
        change(&mut row, Some(names(&["poll"])), 15);
        assert_eq!(row.wanted.len(), 1, "nothing has changed");
        change(&mut row, Some(names(&["chat_member"])), 20);
        change(&mut row, None, 30);
        assert!(sees(&row, 19, "poll") && sees(&row, 20, "chat_member") && !sees(&row, 30, "chat_member"));
        assert_eq!(now(&row), None);
    }

    #[test]
    fn a_program_that_wants_none_of_ours_gets_none() {
        let (row, ours) = (ProgramRow::default(), KeptUpdate { is_ours: true, ..KeptUpdate::default() });
        let sees = |sees, update: &KeptUpdate| is_for(&row, sees, (1, update));
        assert!(sees(Sees::All, &ours) && !sees(Sees::NotOurs, &ours));
        assert!(sees(Sees::NotOurs, &KeptUpdate::default()));
    }
}
