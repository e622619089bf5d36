//! Many customers who share their numbers at the same moment, as after a downtime.

use telekommo::sandbox::harness::{Harness, LINES, Line};

use super::{ACCOUNT, contact};
use crate::support::{TestStage, in_kommo, stranger};

const SALES: Line = LINES[0];

/// `many` customers whom the account knows by their numbers all share them at once, at the pace that Kommo allows.
async fn share_at_once(many: i64) {
    let settings = "telegram.ask_phone = \"on_start\"\nkommo.requests_per_second = 7\n";
    let mut stage = TestStage::with(&format!("{ACCOUNT}{settings}")).await;
    // A job still waits for the time of each `/start`.
    stage.allow_leftovers();
    let customers: Vec<_> = (810_000_000..810_000_000 + many).collect();
    let mut cards = Vec::new();
    for id in &customers {
        cards.push(stage.kommo.add_card(&format!("{id} of the book"), &format!("+49 151 {:08}", id % 100_000_000)));
        stage.telegram.add_customer(stranger(*id));
        stage.telegram.write(SALES.token, *id, "/start");
    }
    for id in &customers {
        stage.until("everybody is asked", |stage| stage.telegram.reply_keyboard(SALES.token, *id).is_some()).await;
    }
    for id in &customers {
        stage.telegram.press_key(SALES.token, *id, 0, 0);
    }
    for id in &customers {
        stage.until("both words are in Kommo", |stage| in_kommo(stage, SALES, *id).len() == 2).await;
    }
    let contacts = |stage: &Harness| customers.iter().map(|id| contact(stage, SALES, *id)).collect::<Vec<_>>();
    assert_eq!(contacts(&stage), cards.iter().copied().map(Some).collect::<Vec<_>>(), "{many}");
    assert_eq!(stage.kommo.cards().len(), cards.len(), "{many}: nobody has two contacts");
    assert_eq!(stage.store().parked(10).unwrap(), []);
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_makes_no_contact_twice() {
    for many in [1, 6, 12] {
        share_at_once(many).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes as long as Kommo's limit makes it take"]
async fn neither_does_a_larger_one() {
    share_at_once(30).await;
}
