use super::*;
use crate::domain::address::Conversation;

#[test]
fn a_change_of_state_is_reported_once() {
    let (metrics, source) = (Metrics::new(), SourceId::parse("sales").unwrap());
    assert!(metrics.polling(&source, Polling::Working));
    assert!(!metrics.polling(&source, Polling::Working));
    assert!(metrics.polling(&source, Polling::Stopped(BotProblem::Revoked, "revoked".to_owned())));
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
fn an_accepted_message_does_not_show_where_hooks_go() {
    let metrics = Metrics::new();
    metrics.unconnected(Some("404".to_owned()));
    metrics.connected_elsewhere("another account".to_owned());
    metrics.unconnected(None);
    assert_eq!(metrics.obstacles(), ["kommo: another account"]);
}

#[test]
fn one_bots_own_problem_is_no_outage() {
    let metrics = Metrics::new();
    assert!(!metrics.is_cut_off(), "nothing is known yet");
    let [sales, support] = ["sales", "support"].map(|source| SourceId::parse(source).unwrap());
    let failing = || Polling::Failing("no answer".to_owned());
    for (of_sales, of_support, is_cut_off) in [
        (failing(), Polling::Working, false),
        (failing(), failing(), true),
        (failing(), Polling::Stopped(BotProblem::Revoked, "revoked".to_owned()), true),
        (
            Polling::Stopped(BotProblem::Revoked, "revoked".to_owned()),
            Polling::Stopped(BotProblem::Revoked, "revoked".to_owned()),
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

fn expected() -> Expected {
    Expected {
        sources: ["sales", "support"].map(|source| SourceId::parse(source).unwrap()).into(),
        targets: ["owner".to_owned()].into(),
        programs: ["shop".to_owned()].into(),
        hooks: vec!["stored", "known"],
        jobs: vec!["done", "parked"],
    }
}

/// The families of a text of Prometheus that have no sample.
fn empty(text: &str) -> Vec<&str> {
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let has_sample = |family: &&str| text.lines().any(|line| line.starts_with(family));
    families.filter(|family| !has_sample(family)).collect()
}

#[test]
fn all_expected_series_exist_at_zero() {
    let metrics = Metrics::new();
    metrics.expect(&expected(), UnixMillis(0));
    let text = metrics.text(Form::Prometheus);
    assert_eq!(empty(&text), [""; 0], "{text}");
    let count = |line: &&str| !line.starts_with('#') && line.contains("_total") || line.contains("_count");
    let above: Vec<_> = text.lines().filter(count).filter(|line| !line.ends_with(" 0")).collect();
    assert_eq!(above, [""; 0]);
    for expected_line in [
        "telekommo_bot_up{source=\"sales\"} 0",
        "telekommo_hooks_total{outcome=\"known\"} 0",
        "telekommo_jobs_total{route=\"outbound:support\",outcome=\"parked\"} 0",
        "telekommo_messages_total{source=\"sales\",direction=\"inbound\",kind=\"voice_message\",outcome=\"received\"} \
         0",
        "telekommo_failed_messages_total{source=\"support\",direction=\"outbound\",outcome=\"reported\"} 0",
        "telekommo_delivery_seconds_count{source=\"sales\",direction=\"outbound\"} 0",
        "telekommo_http_requests_total{remote=\"telegram\",method=\"getUpdates\",status=\"200\"} 0",
        "telekommo_trouble{cause=\"bot_revoked\",of=\"sales\"} 0",
        "telekommo_trouble{cause=\"alert_target\",of=\"owner\"} 0",
        "telekommo_alerts_total{target=\"owner\",outcome=\"failed\"} 0",
        "telekommo_ready 1",
    ] {
        assert!(text.lines().any(|line| line == expected_line), "{expected_line} is not in {text}");
    }
    assert!(text.contains(&format!("telekommo_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn events_are_counted_in_expected_series() {
    let (metrics, expected) = (Metrics::new(), expected());
    metrics.expect(&expected, UnixMillis(0));
    let lines = |metrics: &Metrics| metrics.text(Form::Prometheus).lines().count();
    let before = lines(&metrics);
    let sales = SourceId::parse("sales").unwrap();
    let conversation = Conversation::new(sales.clone(), 7);
    let times = DeliveryTimes { written_at: None, came_at: UnixMillis(0), arrived_at: UnixMillis(700) };
    metrics.customer_wrote(&conversation, "voice message");
    metrics.reached_kommo(&sales, "voice message", times);
    metrics.manager_wrote(Some(&sales), "text");
    metrics.reached_customer(&conversation, "text", times);
    metrics.given_up(Some(&sales), Direction::Outbound, 2, true);
    metrics.job(&Lane::outbound(&conversation), "parked");
    metrics.polling(&sales, Polling::Working);
    metrics.polled(&sales, &Polling::Working);
    metrics.file(&sales, false);
    metrics.updates(&sales, 3, 1);
    metrics.hook("stored");
    metrics.note(Cause::Dump, Some("it failed".to_owned()));
    metrics.paused(&Route::Inbound, Some("403".to_owned()));
    metrics.show_troubles(&expected);
    assert_eq!(lines(&metrics), before, "nothing is there that was not before: {}", metrics.text(Form::Prometheus));
    let text = metrics.text(Form::Prometheus);
    for expected_line in [
        "telekommo_messages_total{source=\"sales\",direction=\"inbound\",kind=\"voice_message\",outcome=\"delivered\"} \
         1",
        "telekommo_messages_total{source=\"sales\",direction=\"outbound\",kind=\"text\",outcome=\"received\"} 1",
        "telekommo_failed_messages_total{source=\"sales\",direction=\"outbound\",outcome=\"parked\"} 2",
        "telekommo_delivery_seconds_bucket{le=\"0.5\",source=\"sales\",direction=\"inbound\"} 0",
        "telekommo_delivery_seconds_bucket{le=\"1.0\",source=\"sales\",direction=\"inbound\"} 1",
        "telekommo_answer_seconds_count{source=\"sales\"} 1",
        "telekommo_bot_up{source=\"sales\"} 1",
        "telekommo_polls_total{source=\"sales\",outcome=\"answered\"} 1",
        "telekommo_files_total{source=\"sales\",outcome=\"failed\"} 1",
        "telekommo_updates_total{source=\"sales\",outcome=\"stored\"} 3",
        "telekommo_trouble{cause=\"dump\",of=\"\"} 1",
        "telekommo_trouble{cause=\"route_paused\",of=\"inbound\"} 1",
        "telekommo_ready 0",
    ] {
        assert!(text.lines().any(|line| line == expected_line), "{expected_line} is not in {text}");
    }
    metrics.note(Cause::Dump, None);
    metrics.show_troubles(&expected);
    assert!(metrics.text(Form::Prometheus).contains("telekommo_trouble{cause=\"dump\",of=\"\"} 0"));
    assert!(metrics.text(Form::OpenMetrics).ends_with("# EOF\n"));
}
