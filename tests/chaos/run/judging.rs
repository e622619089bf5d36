//! What everybody who judges has to know, and their verdict.

use super::Run;
use crate::checks::{self, Scene, Verdict, View};

impl Run {
    /// Judges what has come of it all.
    pub(super) async fn judge(&mut self) -> Verdict {
        let parked = [self.operator("parked?route=inbound").await, self.operator("parked").await];
        let (logs, may_have_given_up) = (self.bridge.news(), self.bridge.may_have_given_up());
        for (all, way) in self.played.faults.iter_mut().zip(&self.ways) {
            all.extend(way.lately());
        }
        let views = View::all(&self.stage);
        let mut verdict = self.people.read(&self.stage.telegram, |book| {
            checks::judge(&Scene {
                stage: &self.stage,
                views: &views,
                book,
                kills: &self.kills,
                older_stores: &self.older_stores,
                played: &self.played,
                before: &self.before,
                may_have_given_up,
                opened: &self.opened,
                leaks: &self.leaks,
                process: self.bridge.id(),
                logs: &logs,
                parked: &parked,
            })
        });
        if self.ways.iter().any(|way| way.deceived() > 0) {
            verdict.problems.push("the bridge has taken a certificate that is not good".to_owned());
        }
        if self.ways.iter().any(|way| way.panics() > 0) {
            verdict.problems.push("a proxy has panicked".to_owned());
        }
        verdict.problems.append(&mut self.bridge.bad_ends);
        verdict
    }

    /// What the bridge answers its operator; none if it is not there.
    pub(super) async fn operator(&self, page: &str) -> Option<String> {
        let socket = self.bridge.data.join("telekommo.sock");
        let client = reqwest::Client::builder().no_proxy().unix_socket(socket).build().unwrap();
        let answer = client.get(format!("http://localhost/{page}")).header("x-telekommo", "1").send().await.ok()?;
        answer.error_for_status().ok()?.text().await.ok()
    }
}
