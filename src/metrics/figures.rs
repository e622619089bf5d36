//! The counters, gauges and histograms of one bridge, with their help texts.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Metric, Registry},
};

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, String)>;
pub(super) type Counters = Family<Labels, Counter>;
pub(super) type Gauges = Family<Labels, Gauge>;
pub(super) type Histograms = Family<Labels, Histogram>;

/// Upper bounds of the buckets of delivery times, in seconds: from unnoticeable to a night.
const DELIVERY: [f64; 14] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0];
/// The same of request durations. A poll takes almost a minute.
const CALL: [f64; 11] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// The same of how long a customer waits for an answer.
const ANSWER: [f64; 12] = [15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0, 7200.0, 14_400.0, 43_200.0, 86_400.0];

/// Builds labels.
pub(super) fn labels<const N: usize>(labels: [(&'static str, &str); N]) -> Labels {
    labels.map(|(name, value)| (name, value.to_owned())).to_vec()
}

#[derive(Debug)]
pub(super) struct Figures {
    pub(super) updates: Counters,
    pub(super) polls: Counters,
    pub(super) hooks: Counters,
    pub(super) messages: Counters,
    pub(super) failed_messages: Counters,
    pub(super) delivery_seconds: Histograms,
    pub(super) answer_seconds: Histograms,
    pub(super) jobs: Counters,
    pub(super) http_requests: Counters,
    pub(super) http_seconds: Histograms,
    pub(super) kommo_calls: Counters,
    pub(super) waiting: Gauges,
    pub(super) oldest_seconds: Gauges,
    pub(super) program_waiting: Gauges,
    pub(super) program_oldest_seconds: Gauges,
    pub(super) program_dropped: Counters,
    pub(super) program_withheld: Counters,
    pub(super) parked: Gauge,
    pub(super) reported: Gauge,
    pub(super) unreadable_rows: Counter,
    pub(super) held: Gauge,
    pub(super) rewound: Counter,
    pub(super) files: Counters,
    pub(super) found_answers: Counter,
    pub(super) comparisons: Counters,
    pub(super) alerts: Counters,
    pub(super) heartbeats: Counters,
    pub(super) bot_up: Gauges,
    pub(super) ready: Gauge,
    pub(super) trouble: Gauges,
    pub(super) store_bytes: Gauge,
    pub(super) dumps_bytes: Gauge,
    pub(super) last_dump: Gauge,
    pub(super) free_bytes: Gauge,
    pub(super) started: Gauge,
    pub(super) token_end: Gauge,
    pub(super) certificate_end: Gauge,
    pub(super) registry: Registry,
}

impl Figures {
    pub(super) fn new() -> Self {
        let mut names = Names(Registry::with_prefix("telekommo"));
        let build = vec![("version", env!("CARGO_PKG_VERSION"))];
        names.0.register("build", "The version that runs", Info::new(build));
        Self {
            updates: names.family("updates", "Telegram updates stored"),
            polls: names.family("polls", "Polls of Telegram that ended"),
            hooks: names.family("hooks", "Kommo hooks answered"),
            messages: names.family("messages", "Messages that came and that arrived"),
            failed_messages: names.family("failed_messages", "Messages that were given up"),
            delivery_seconds: names
                .histogram("delivery_seconds", "Time that messages were under way", || Histogram::new(DELIVERY)),
            answer_seconds: names
                .histogram("answer_seconds", "Time that customers waited for an answer", || Histogram::new(ANSWER)),
            jobs: names.family("jobs", "Jobs settled"),
            http_requests: names.family("http_requests", "HTTP requests to Telegram, Kommo and for files"),
            http_seconds: names
                .histogram("http_request_duration_seconds", "Time until the answer began", || Histogram::new(CALL)),
            kommo_calls: names.family("kommo_calls", "Calls to the Chats API"),
            waiting: names.family("waiting_jobs", "Jobs in the queue"),
            oldest_seconds: names.family("oldest_job_seconds", "Age of the oldest job in the queue"),
            program_waiting: names.family("program_updates", "Updates that a program of yours has not confirmed"),
            program_oldest_seconds: names.family("program_oldest_update_seconds", "Age of the oldest of them"),
            program_dropped: names.family("program_dropped_updates", "Updates that a program will never get"),
            program_withheld: names
                .family("program_withheld_updates", "Updates that a program does not get for a manager's sake"),
            parked: names.single("parked_messages", "Messages set aside for a person"),
            reported: names
                .single("told_messages", "Messages set aside whose authors have been informed of the failure"),
            unreadable_rows: names.single("unreadable_rows", "Rows of the store that could not be read"),
            held: names.single("held_conversations", "Conversations whose answers wait for older ones"),
            rewound: names.single("store_rewound", "How often the data directory was found to have gone back"),
            files: names.family("files", "Customers' files that Kommo has asked for"),
            found_answers: names
                .single("found_answers", "Answers that a comparison found though their hooks should have come"),
            comparisons: names.family("comparisons", "Comparisons with Kommo's history that ended"),
            alerts: names.family("alerts", "Messages to the targets of alerts"),
            heartbeats: names.family("heartbeats", "Calls of the heartbeat"),
            bot_up: names.family("bot_up", "Whether a bot's last poll was answered"),
            ready: names.single("ready", "Whether /ready says so"),
            trouble: names.family("trouble", "Whether something is wrong, by its cause"),
            store_bytes: names.single("store_bytes", "Size of the store on the disk"),
            dumps_bytes: names.single("dumps_bytes", "Size of all dumps"),
            last_dump: names.single("last_dump_timestamp_seconds", "When the newest dump was written, 0 for never"),
            free_bytes: names.single("disk_free_bytes", "Free space on the disk of the data directory"),
            started: names.single("start_timestamp_seconds", "When the bridge started"),
            token_end: names.single("token_end_timestamp_seconds", "When the account's token ends, 0 if unknown"),
            certificate_end: names.single(
                "certificate_end_timestamp_seconds",
                "When the certificate of the public address ends, 0 if unknown",
            ),
            registry: names.0,
        }
    }
}

struct Names(Registry);

impl Names {
    fn single<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register(name, help, metric.clone());
        metric
    }

    fn family<M>(&mut self, name: &str, help: &str) -> Family<Labels, M>
    where
        Family<Labels, M>: Metric + Clone + Default,
    {
        self.single(name, help)
    }

    fn histogram(&mut self, name: &str, help: &str, new: fn() -> Histogram) -> Histograms {
        let family = Histograms::new_with_constructor(new);
        self.0.register(name, help, family.clone());
        family
    }
}
