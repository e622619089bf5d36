//! What went wrong since it was judged before, and which failures that explains.

use std::collections::BTreeSet;

use crate::{
    plan::{Files, Trouble, WAYS},
    proxy::Fault,
};

/// What stands in the reason of a failure, and what explains it.
type Reason = (&'static str, fn(&Played) -> bool);

const REASONS: [Reason; 10] = [
    ("May not have been delivered: it could not be sent in time", Played::is_late_or_in_doubt),
    ("May not have been delivered", Played::is_in_doubt),
    ("the file could not be fetched", |it| it.is_bad(Played::TO_KOMMO)),
    ("Kommo does not have the file any more", |it| it.is_bad(Played::TO_KOMMO)),
    // The way to another address leads out of Kommo's.
    ("is not one of Kommo's servers", |it| it.faults[Played::TO_KOMMO].contains(&Fault::Redirect)),
    ("it did not work in time", Played::is_held_up),
    ("tried again and again", Played::is_held_up),
    ("it could not be sent in time", Played::is_late),
    ("only long after it was written", Played::is_told_late),
    ("was down when this was written", Played::is_told_late),
];

/// What went wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played {
    /// On the way to Telegram, to Kommo, from Kommo to the bridge, and to the account.
    pub(crate) faults: [BTreeSet<Fault>; WAYS],
    /// The troubles and the ends, by their names.
    pub(crate) names: BTreeSet<String>,
    /// Whether the bridge did not run at some time.
    pub(crate) has_ended: bool,
}

impl Played {
    const TO_TELEGRAM: usize = 0;
    const TO_KOMMO: usize = 1;
    const TO_BRIDGE: usize = 2;
    const TO_ACCOUNT: usize = 3;

    /// Whether an answer may fail for this reason.
    pub(crate) fn explains(&self, why: &str) -> bool {
        REASONS.iter().find(|(words, _)| why.contains(words)).is_some_and(|(_, is_so)| is_so(self))
    }

    fn is_bad(&self, way: usize) -> bool {
        !self.faults[way].is_empty()
    }

    fn was(&self, trouble: Trouble) -> bool {
        trouble.name().is_some_and(|name| self.names.contains(name))
    }

    fn is_older(&self) -> bool {
        let files = [Files::PutBack, Files::Restored, Files::OlderFormat, Files::FlippedBit, Files::FromBackup];
        files.into_iter().filter_map(Files::name).any(|name| self.names.contains(name))
    }

    /// A request to Telegram may have arrived, and nobody was there to note that.
    fn is_in_doubt(&self) -> bool {
        self.has_ended
            || self.is_older()
            || self.faults[Self::TO_TELEGRAM].iter().any(|fault| fault.leaves_in_doubt())
            || [Trouble::FullDisk, Trouble::DiskError, Trouble::ReadOnly].into_iter().any(|it| self.was(it))
    }

    /// Telegram could not be asked.
    fn is_held_up(&self) -> bool {
        self.is_bad(Self::TO_TELEGRAM) || self.was(Trouble::Revoked)
    }

    fn is_late(&self) -> bool {
        self.is_held_up() || self.was(Trouble::Clock(0)) || self.was(Trouble::Asleep(0))
    }

    fn is_late_or_in_doubt(&self) -> bool {
        self.is_late() || self.is_in_doubt()
    }

    /// A first message may have gone before it was known whose chat it is.
    pub(crate) fn delays_the_account(&self) -> bool {
        self.has_ended || self.is_bad(Self::TO_ACCOUNT) || self.is_bad(Self::TO_KOMMO)
    }

    /// The account gave the answer to another request, which cannot always be told from the right one: a search that
    /// finds nobody, or an entity that was read and not changed.
    pub(crate) fn mixes_up_the_account(&self) -> bool {
        self.faults[Self::TO_ACCOUNT].contains(&Fault::AnotherAnswer)
    }

    /// A customer could not be asked for their number, or what they sent did not come in time.
    pub(crate) fn may_let_a_start_go(&self) -> bool {
        self.has_ended || self.is_held_up() || self.was(Trouble::Clock(0)) || self.was(Trouble::Asleep(0))
    }

    /// A hook did not come when it was due.
    fn is_told_late(&self) -> bool {
        self.has_ended
            || self.is_older()
            || self.is_bad(Self::TO_BRIDGE)
            || self.was(Trouble::Clock(0))
            || self.was(Trouble::Asleep(0))
    }
}

#[test]
fn a_failure_is_explained_by_what_went_wrong_and_by_nothing_else() {
    let doubt = "May not have been delivered: the connection to Telegram broke before it answered.";
    let (calm, way) = (Played::default(), |way: usize, fault| {
        let mut it = Played::default();
        it.faults[way].insert(fault);
        it
    });
    assert!(REASONS.iter().all(|(words, _)| !calm.explains(words)));
    assert!(way(0, Fault::ResetAfter).explains(doubt));
    assert!(!way(0, Fault::Refused).explains(doubt) && !way(1, Fault::ResetAfter).explains(doubt));
    assert!(Played { has_ended: true, ..calm }.explains(doubt));
    assert!(!way(0, Fault::ResetAfter).explains("Not delivered: the text is too long for Telegram."));
}
