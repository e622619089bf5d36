//! What a run may be wished to have alone.

use std::collections::BTreeSet;

use super::{End, Files, Reload, Trouble};
use crate::proxy::Fault;

/// The troubles that may come, by the names that the table of figures has for them. Without any, all of them but a
/// flipped bit: the database does not notice every one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowed(Option<BTreeSet<String>>);

impl Allowed {
    /// Those in a list, with commas between them.
    pub(crate) fn of(list: &str) -> Self {
        let names: BTreeSet<_> = list.split(',').map(|name| name.trim().to_owned()).collect();
        let unknown: Vec<_> = names.iter().filter(|name| !Self::all().contains(name)).collect();
        assert!(unknown.is_empty(), "nothing is called {unknown:?}; there are {}", Self::all().join(", "));
        Self(Some(names))
    }

    /// What there is.
    fn all() -> Vec<String> {
        let faults = Fault::ALL.map(Fault::name);
        let troubles = Trouble::ALL.into_iter().filter_map(Trouble::name);
        let reloads = Reload::ALL.into_iter().filter_map(Reload::name);
        let ends = End::ALL.into_iter().filter_map(End::name).chain(reloads);
        let files = Files::ALL.into_iter().filter_map(Files::name);
        faults.into_iter().chain(troubles.chain(ends).chain(files).map(str::to_owned)).collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.as_ref().map_or(Some(name) != Files::FlippedBit.name(), |names| names.contains(name))
    }
}
