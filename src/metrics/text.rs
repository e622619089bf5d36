//! The text formats: `OpenMetrics` 1.0, and the older one of Prometheus.

use std::collections::BTreeMap;

use prometheus_client::encoding::text::encode;

use crate::metrics::Metrics;

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    OpenMetrics,
    Prometheus,
}

const OPEN_METRICS: &str = "application/openmetrics-text";

impl Form {
    /// The format preferred by an `Accept` header. Without `OpenMetrics` in it, the older one, which every scraper
    /// reads.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let weight_of = |matches: fn(&str) -> bool| {
            let ranges = accept.split(',').filter_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let name = parts.next()?.to_ascii_lowercase();
                let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
                matches(&name).then_some(weight)
            });
            ranges.fold(0.0, f32::max)
        };
        let open = weight_of(|name| name == OPEN_METRICS);
        let plain = weight_of(|name| name == "text/plain");
        if open > 0.0 && open >= plain { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The content type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

impl Metrics {
    /// All metrics as a text.
    #[must_use]
    pub fn text(&self, form: Form) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail; if it did, an incomplete text would be better than none.
        encode(&mut text, &self.figures.registry).unwrap_or_default();
        match form {
            Form::OpenMetrics => text,
            Form::Prometheus => plain(&text),
        }
    }
}

/// Converts `OpenMetrics` to the older format, in which families are named like their samples, and some types do not
/// exist.
fn plain(open: &str) -> String {
    let types: BTreeMap<_, _> = open.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let family_name = |name: &str| match types.get(name).copied() {
        Some("counter") => format!("{name}_total"),
        Some("info") => format!("{name}_info"),
        _ => name.to_owned(),
    };
    let line = |line: &str| {
        let head = line.strip_prefix("# ");
        let Some((word, rest)) = head.and_then(|head| head.split_once(' ')) else {
            return (head != Some("EOF")).then(|| line.to_owned());
        };
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match (word, rest) {
            ("TYPE", "info") => Some(format!("# TYPE {} gauge", family_name(name))),
            ("TYPE", "unknown") => Some(format!("# TYPE {name} untyped")),
            ("TYPE" | "HELP", rest) => Some(format!("# {word} {} {rest}", family_name(name))),
            _ => None,
        }
    };
    open.lines().filter_map(line).map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_format_is_chosen() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;\
                          version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, form) in [
            (prometheus, Form::OpenMetrics),
            ("", Form::Prometheus),
            ("*/*", Form::Prometheus),
            ("text/html, */*;q=0.8", Form::Prometheus),
            ("text/plain", Form::Prometheus),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Form::Prometheus),
            ("Application/OpenMetrics-Text", Form::OpenMetrics),
            ("application/openmetrics-text;q=0, text/plain", Form::Prometheus),
            ("application/openmetrics-text;q=0.1, text/plain;q=0.9", Form::Prometheus),
        ] {
            assert_eq!(Form::accepted(accept), form, "{accept}");
        }
    }

    #[test]
    fn the_older_format_names_families_like_their_samples() {
        let open = "# HELP a Things.\n# TYPE a counter\n# UNIT a seconds\na_total{x=\"# TYPE a info\"} 1\n# HELP b B.\n\
                    # TYPE b info\nb_info{v=\"1\"} 1\n# HELP c C.\n# TYPE c gauge\nc 5\n# HELP d D.\n# TYPE d unknown\n\
                    d 1\n# EOF\n";
        let want = "# HELP a_total Things.\n# TYPE a_total counter\na_total{x=\"# TYPE a info\"} 1\n# HELP b_info B.\n\
                    # TYPE b_info gauge\nb_info{v=\"1\"} 1\n# HELP c C.\n# TYPE c gauge\nc 5\n# HELP d D.\n# TYPE d \
                    untyped\nd 1\n";
        assert_eq!(plain(open), want);
    }
}
