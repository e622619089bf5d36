use super::*;

#[test]
fn a_state_is_news_once() {
    let (meter, source) = (Meter::new(), SourceId::parse("sales").unwrap());
    assert!(meter.polling(&source, Polling::Working));
    assert!(!meter.polling(&source, Polling::Working));
    assert!(meter.polling(&source, Polling::Stopped("revoked".to_owned())));
    assert_eq!(meter.obstacles(), ["bot sales: revoked"]);
}

#[test]
fn obstacles_come_and_go() {
    let meter = Meter::new();
    assert!(meter.paused(&Route::Inbound, Some("403".to_owned())));
    assert!(!meter.paused(&Route::Inbound, Some("403 again".to_owned())));
    meter.between(Some("no answer".to_owned()));
    assert_eq!(meter.obstacles(), ["inbound has paused: 403 again", "kommo: no answer"]);
    assert!(meter.paused(&Route::Inbound, None));
    meter.between(None);
    assert!(meter.obstacles().is_empty());
}

#[test]
fn that_hooks_go_elsewhere_is_not_taken_back_by_a_message_that_kommo_takes() {
    let meter = Meter::new();
    meter.unconnected(Some("404".to_owned()));
    meter.connected_elsewhere("another account".to_owned());
    meter.unconnected(None);
    assert_eq!(meter.obstacles(), ["kommo: another account"]);
}

#[test]
fn one_bots_own_trouble_cuts_nobody_off() {
    let meter = Meter::new();
    assert!(!meter.is_cut_off(), "nothing is known yet");
    let [sales, support] = ["sales", "support"].map(|source| SourceId::parse(source).unwrap());
    let failing = || Polling::Failing("no answer".to_owned());
    for (of_sales, of_support, is_cut_off) in [
        (failing(), Polling::Working, false),
        (failing(), failing(), true),
        (failing(), Polling::Stopped("revoked".to_owned()), true),
        (Polling::Stopped("revoked".to_owned()), Polling::Stopped("revoked".to_owned()), false),
        (Polling::Working, Polling::Starting, false),
    ] {
        meter.polling(&sales, of_sales);
        meter.polling(&support, of_support);
        assert_eq!(meter.is_cut_off(), is_cut_off);
    }
    meter.between(Some("no answer".to_owned()));
    assert!(meter.is_cut_off());
}

#[test]
fn counters_are_text() {
    let meter = Meter::new();
    meter.hook("stored");
    assert!(meter.text().contains("telekommo_hooks_total{outcome=\"stored\"} 1"), "{}", meter.text());
    assert!(meter.text().ends_with("# EOF\n"));
}
