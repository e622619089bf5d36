//! Hooks that are sent at the same time come in any order, and Kommo tells of each when it was written.

use crate::{
    domain::work::Work,
    store::{Lease, StoreError},
    translate::from_kommo::written_at,
};

/// How many that wait are looked at: more do not come at the same time.
const LOOKED_AT: usize = 10;

/// The hooks at the head of a lane as they were written, if that is not how they came. What is on its way already has gone
/// first, and nothing is waited for: what has not come yet may never come.
pub(super) fn as_written(lease: &Lease) -> Result<Option<Vec<Work>>, StoreError> {
    let behind = lease.behind(LOOKED_AT)?.into_iter().map(|(work, _)| work);
    let mut hooks: Vec<_> = std::iter::once(lease.work().clone()).chain(behind).map_while(dated).collect();
    if hooks.is_sorted_by_key(|(at, _)| *at) {
        return Ok(None);
    }
    hooks.sort_by_key(|(at, _)| *at);
    Ok(Some(hooks.into_iter().map(|(_, work)| work).collect()))
}

fn dated(work: Work) -> Option<(i64, Work)> {
    let at = match &work {
        Work::Hook { raw } => written_at(raw)?.0,
        Work::Update { .. }
        | Work::Reaction { .. }
        | Work::Call(_)
        | Work::Album { .. }
        | Work::Report(_)
        | Work::Name { .. }
        | Work::Seen { .. }
        | Work::Link { .. }
        | Work::Enrich { .. }
        | Work::Hold { .. }
        | Work::Release { .. } => return None,
    };
    Some((at, work))
}
