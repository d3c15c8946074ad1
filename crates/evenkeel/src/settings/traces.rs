//! Settings of traces: who collects them, and which are recorded.

use evenkeel_otlp::Collector;
use evenkeel_telemetry::TraceShare;

use super::Layers;
use super::logs::Share;
use crate::cli::TraceArgs;

/// Settings as meant.
#[derive(Debug, Clone)]
pub(crate) struct TraceSettings {
    pub(crate) collector: Collector,
    pub(crate) share: TraceShare,
}

impl Layers<'_> {
    /// Settings as meant; `None` while nobody collects traces.
    pub(super) fn traces(&mut self, args: &TraceArgs) -> Option<TraceSettings> {
        let url = self.whole("otlp-endpoint", &args.otlp_endpoint);
        let headers = self.given("otlp-header", &args.otlp_header);
        let share = self.one("trace-sample", &args.trace_sample);
        let Some(url) = url else {
            for (key, is_given) in
                [("otlp-header", headers.is_some()), ("trace-sample", share.is_some())]
            {
                if is_given {
                    self.problems.push(format!("otlp-endpoint: missing beside {key}"));
                }
            }
            return None;
        };
        let mut collector = match Collector::new(&url) {
            Ok(collector) => collector,
            Err(error) => {
                self.problems.push(format!("otlp-endpoint: {url:?}: {error}"));
                return None;
            }
        };
        if let Some(given) = headers {
            for header in given.values.iter().flat_map(|value| value.split(',')) {
                // Never repeated: it may be a secret.
                if let Err(error) = collector.add_header(header.trim()) {
                    self.problems.push(format!("{}: {error}", given.source));
                }
            }
        }
        let share = share.and_then(|Share(share)| TraceShare::new(share));
        Some(TraceSettings { collector, share: share.unwrap_or(TraceShare::ALL) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn nobody_collects_traces_until_somebody_is_named() {
        assert!(check(&[], &[], "").0.traces.is_none());
        let flags = ["--otlp-endpoint", "http://collector.example:4318", "--trace-sample", "0.5"];
        let environment = [("EVENKEEL_OTLP_HEADER", "x-key=5ec4e7, x-tenant=a=b")];
        let (settings, problems) = check(&flags, &environment, "");
        assert_eq!(problems, Vec::<String>::new());
        let traces = settings.traces.unwrap();
        assert_eq!(traces.share, TraceShare::new(0.5).unwrap());
        assert_eq!(traces.collector.url(), "http://collector.example:4318/v1/traces");
        assert!(!format!("{traces:?}").contains("5ec4e7"));
    }

    #[test]
    fn what_makes_no_sense_is_named_without_its_secret() {
        for (flags, start) in [
            (&["--otlp-endpoint=collector:4318"][..], "otlp-endpoint:"),
            (&["--otlp-endpoint=grpc://collector"], "otlp-endpoint:"),
            (&["--otlp-header=a=5ec4e7"], "otlp-endpoint:"),
            (&["--trace-sample=1"], "otlp-endpoint:"),
            (&["--otlp-endpoint=http://c", "--otlp-header=5ec4e7"], "--otlp-header:"),
            (&["--otlp-endpoint=http://c", "--otlp-header=a b=5ec4e7"], "--otlp-header:"),
            (&["--otlp-endpoint=http://c", "--trace-sample=2"], "--trace-sample:"),
        ] {
            let (_, problems) = check(flags, &[], "");
            assert_eq!(problems.len(), 1, "{flags:?}: {problems:?}");
            assert!(problems[0].starts_with(start), "{problems:?}");
            assert!(!problems[0].contains("5ec4e7"), "{problems:?}");
        }
    }
}
