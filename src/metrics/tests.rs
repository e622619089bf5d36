use super::*;

#[test]
fn a_state_is_news_once() {
    let (metrics, source) = (Metrics::new(), SourceId::parse("sales").unwrap());
    assert!(metrics.polling(&source, Polling::Working));
    assert!(!metrics.polling(&source, Polling::Working));
    assert!(metrics.polling(&source, Polling::Stopped(BotTrouble::Revoked, "revoked".to_owned())));
    assert_eq!(metrics.obstacles(), ["bot sales: revoked"]);
}

#[test]
fn obstacles_come_and_go() {
    let metrics = Metrics::new();
    assert!(metrics.paused(&Route::Inbound, Some("403".to_owned())));
    assert!(!metrics.paused(&Route::Inbound, Some("403 again".to_owned())));
    metrics.between(Some("no answer".to_owned()));
    assert_eq!(metrics.obstacles(), ["inbound has paused: 403 again", "kommo: no answer"]);
    assert!(metrics.paused(&Route::Inbound, None));
    metrics.between(None);
    assert!(metrics.obstacles().is_empty());
}

#[test]
fn that_hooks_go_elsewhere_is_not_taken_back_by_a_message_that_kommo_takes() {
    let metrics = Metrics::new();
    metrics.unconnected(Some("404".to_owned()));
    metrics.connected_elsewhere("another account".to_owned());
    metrics.unconnected(None);
    assert_eq!(metrics.obstacles(), ["kommo: another account"]);
}

#[test]
fn one_bots_own_trouble_cuts_nobody_off() {
    let metrics = Metrics::new();
    assert!(!metrics.is_cut_off(), "nothing is known yet");
    let [sales, support] = ["sales", "support"].map(|source| SourceId::parse(source).unwrap());
    let failing = || Polling::Failing("no answer".to_owned());
    for (of_sales, of_support, is_cut_off) in [
        (failing(), Polling::Working, false),
        (failing(), failing(), true),
        (failing(), Polling::Stopped(BotTrouble::Revoked, "revoked".to_owned()), true),
        (
            Polling::Stopped(BotTrouble::Revoked, "revoked".to_owned()),
            Polling::Stopped(BotTrouble::Revoked, "revoked".to_owned()),
            false,
        ),
        (Polling::Working, Polling::Starting, false),
    ] {
        metrics.polling(&sales, of_sales);
        metrics.polling(&support, of_support);
        assert_eq!(metrics.is_cut_off(), is_cut_off);
    }
    metrics.between(Some("no answer".to_owned()));
    assert!(metrics.is_cut_off());
}

#[test]
fn counters_are_text() {
    let metrics = Metrics::new();
    metrics.hook("stored");
    assert!(metrics.text().contains("telekommo_hooks_total{outcome=\"stored\"} 1"), "{}", metrics.text());
    assert!(metrics.text().ends_with("# EOF\n"));
}
