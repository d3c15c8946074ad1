//! The Prometheus text exposition format, version 0.0.4.

use std::fmt::{Display, Write};

use crate::HistogramSum;

/// The kinds of metric in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often which durations were seen. Its samples come from [`Exposition::histogram`].
    Histogram,
}

/// A page of metrics being written.
#[derive(Debug, Default)]
pub struct Exposition(String);

impl Exposition {
    /// Starts a metric: its help and type lines. Samples of it follow.
    pub fn metric(&mut self, name: &str, kind: MetricKind, help: &str) {
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// Writes one sample with its labels; label values are escaped.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.line(name, "", labels, None, value);
    }

    /// Writes the samples of a histogram in seconds: its buckets, the sum and the count.
    pub fn histogram(&mut self, name: &str, labels: &[(&str, &str)], sum: &HistogramSum) {
        for (bound, count) in sum.cumulative() {
            self.line(name, "_bucket", labels, Some(("le", bound)), count);
        }
        self.line(name, "_sum", labels, None, sum.sum_s());
        self.line(name, "_count", labels, None, sum.count());
    }

    /// The finished page.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }

    fn line(
        &mut self,
        name: &str,
        suffix: &str,
        labels: &[(&str, &str)],
        last: Option<(&str, &str)>,
        value: impl Display,
    ) {
        self.0.push_str(name);
        self.0.push_str(suffix);
        let mut opening = '{';
        for (key, value) in labels.iter().copied().chain(last) {
            self.0.push(opening);
            self.0.push_str(key);
            self.0.push_str("=\"");
            self.escaped(value);
            self.0.push('"');
            opening = ',';
        }
        if opening == ',' {
            self.0.push('}');
        }
        self.write(format_args!(" {value}\n"));
    }

    fn escaped(&mut self, value: &str) {
        for char in value.chars() {
            match char {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                other => self.0.push(other),
            }
        }
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("writing to a String cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Histogram;

    #[test]
    fn labels_are_escaped() {
        let mut page = Exposition::default();
        page.metric("m", MetricKind::Gauge, "What it is.");
        page.sample("m", &[("a", "x\"y\\z\n"), ("b", "c")], 3);
        page.sample("m", &[], 4);
        let expected =
            "# HELP m What it is.\n# TYPE m gauge\nm{a=\"x\\\"y\\\\z\\n\",b=\"c\"} 3\nm 4\n";
        assert_eq!(page.finish(), expected);
    }

    #[test]
    fn a_histogram_has_buckets_that_add_up() {
        let histogram = Histogram::default();
        [100, 300, 70_000_000].into_iter().for_each(|us| histogram.observe(us));
        let mut sum = HistogramSum::default();
        sum.add(&histogram);
        let mut page = Exposition::default();
        page.metric("t_seconds", MetricKind::Histogram, "How long.");
        page.histogram("t_seconds", &[("pool", "eu")], &sum);
        let page = page.finish();
        let lines: Vec<_> = page.lines().collect();
        assert_eq!(lines[1], "# TYPE t_seconds histogram");
        assert_eq!(lines[2], "t_seconds_bucket{pool=\"eu\",le=\"0.00025\"} 1");
        assert_eq!(lines[3], "t_seconds_bucket{pool=\"eu\",le=\"0.0005\"} 2");
        assert_eq!(
            lines[lines.len() - 4..],
            [
                "t_seconds_bucket{pool=\"eu\",le=\"60\"} 2",
                "t_seconds_bucket{pool=\"eu\",le=\"+Inf\"} 3",
                "t_seconds_sum{pool=\"eu\"} 70.0004",
                "t_seconds_count{pool=\"eu\"} 3",
            ]
        );
    }
}
