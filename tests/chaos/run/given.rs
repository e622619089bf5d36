//! The commands that an operator gives while everybody talks, and what must come of them.

use super::Run;
use crate::{
    command::Given,
    plan::{Reload, Round, Trouble},
};

/// What was given in a round, and what was known before.
pub(super) struct InRound {
    commands: Vec<Given>,
    /// How often the bridge had ended by itself.
    ends: usize,
    /// How many hooks it had refused, if none may be refused in this round.
    refused: Option<usize>,
}

/// What a bridge says that does not know yet which account it serves.
const STARTING: &str = "the bridge still waits for the account's id";

impl Run {
    /// Gives the commands of a round. A bridge whose disk fails may end, and then a command would do its work itself.
    pub(super) fn give(&mut self, round: &Round) -> InRound {
        let is_well = round.trouble == Trouble::None && self.bridge.id().is_some();
        let mut commands = Vec::new();
        if is_well && !std::mem::replace(&mut self.has_backup, true) {
            self.note("backed up while it runs");
            let file = self.bridge.backup();
            commands.push(self.bridge.give("backup", Some(&file)));
        }
        self.reload(round.reload, is_well);
        if is_well && round.reload != Reload::None {
            self.note("reloaded by the command");
            commands.push(self.bridge.give("reload", None));
        }
        // What stands in the way may refuse a hook in its place.
        let is_clear = is_well && round.reload != Reload::None && round.weather[2].is_none();
        let refused = is_clear.then(|| self.people.taken().refused());
        InRound { commands, ends: self.bridge.own_ends.len(), refused }
    }

    /// Waits for what was given. Nothing of it may fail while the bridge runs, and no hook be refused meanwhile.
    pub(super) async fn judge_given(&mut self, given: InRound) {
        for command in given.commands {
            let failure = command.failure().await.filter(|failure| !failure.contains(STARTING));
            if self.bridge.own_ends.len() == given.ends {
                self.bridge.bad_ends.extend(failure);
            }
        }
        let refused = self.people.taken().refused();
        if let Some(before) = given.refused.filter(|before| *before < refused)
            && self.bridge.own_ends.len() == given.ends
        {
            let count = refused - before;
            self.bridge.bad_ends.push(format!("{count} hooks were refused while the configuration was read again"));
        }
    }
}
