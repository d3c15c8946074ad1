//! What is known of the endpoints' health, over the life of many configurations.

use std::collections::{BTreeSet, HashMap};

use evenkeel_decision::health::group::conclude;
use evenkeel_decision::health::vote::{
    Ballot, Quorum, Standpoint, count, is_fresh, outlives_restart, settle, steer_by,
};
use evenkeel_decision::health::{Report, group};
use evenkeel_decision::latency::{MovingAverage, profile};
use evenkeel_model::{
    Config, EndpointHealth, EndpointId, EndpointIx, FailureReason, Health, Latency, Monitor,
    MonitorId, MonitorIx, Pool, PoolId, PoolIx, Timestamp, Verdict,
};

/// A checker: a node that probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checker {
    /// Tells the checkers of an installation apart.
    pub(super) id: u64,
    /// Where it stands.
    pub(super) at: Standpoint,
}

impl Checker {
    /// The checker of this node.
    pub(super) const fn own(at: Standpoint) -> Self {
        Self { id: 0, at }
    }
}

/// Whose health is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// What all checkers have found: published, logged, told.
    Installation,
    /// What this node steers by, which may be what it has found itself (behaviour.md 7.5).
    Node,
}

/// The opinions of all checkers on every endpoint, and what they come to, as far as the
/// configuration still asks for it. Times are of a clock that is never set back.
///
/// A verdict belongs to the monitor that reached it: an endpoint whose pool gets another monitor is
/// unknown again, and what leaves the configuration is forgotten. Bounded by the configuration times
/// the checkers.
#[derive(Debug)]
pub(super) struct Knowledge {
    own: Checker,
    quorum: Quorum,
    places: HashMap<EndpointId, EndpointIx>,
    known: HashMap<Question, Known>,
}

/// What is asked: how an endpoint fares by a monitor.
type Question = (EndpointId, MonitorId);

/// What is known of one question.
#[derive(Debug, Default)]
struct Known {
    /// One of each checker that ever had one.
    opinions: Vec<Opinion>,
    /// What they come to; when they fall silent, what they came to last.
    published: EndpointHealth,
    /// When anybody last had something to say.
    heard: Timestamp,
    /// Since when nobody probes, because the endpoint or its pool is switched off.
    resting: Option<Timestamp>,
    /// Round trips of the probes that passed, for steering by latency (behaviour.md 2.5).
    round_trips: Option<MovingAverage>,
}

/// What one checker thinks.
#[derive(Debug, Clone, Copy)]
struct Opinion {
    checker: Checker,
    health: EndpointHealth,
    reported: Timestamp,
}

/// What a report changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing, or it was about something the configuration does not have.
    Nothing,
    /// The round-trip time, the status or the reason.
    Detail,
    /// A verdict.
    Verdict,
}

/// What a look at all that is known finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Survey {
    /// Endpoints of which no checker has had a result for too long.
    pub(super) silent: u64,
    /// Whether verdicts changed because somebody fell silent.
    pub(super) moved: bool,
}

impl Knowledge {
    /// Nothing known of a configuration.
    pub(super) fn of(config: &Config) -> Self {
        let mut knowledge = Self {
            own: Checker::own(Standpoint::default()),
            quorum: Quorum::default(),
            places: HashMap::new(),
            known: HashMap::new(),
        };
        knowledge.follow(config, Timestamp::default());
        knowledge
    }

    /// The place of this node's checker, and how many of all must agree.
    pub(super) const fn judge(&mut self, own: Checker, quorum: Quorum) {
        self.own = own;
        self.quorum = quorum;
    }

    /// This node's checker.
    pub(super) const fn own(&self) -> Checker {
        self.own
    }

    /// Turns to another configuration and forgets what it does not have. What is not probed for a
    /// while keeps its verdict for as long as a restart may take.
    pub(super) fn follow(&mut self, config: &Config, now: Timestamp) {
        self.places = config.endpoints_indexed().map(|(ix, endpoint)| (endpoint.id, ix)).collect();
        let places = &self.places;
        self.known.retain(|(endpoint, monitor), known| {
            let Some((ix, _)) = asked(config, places, *endpoint, *monitor) else { return false };
            if !is_probed(config, ix) {
                known.resting.get_or_insert(now);
                return true;
            }
            match known.resting.take() {
                None => true,
                Some(since) => {
                    known.heard = now;
                    outlives_restart(since, now)
                }
            }
        });
    }

    /// Takes up what was known before a restart. Whether the configuration asks for it.
    pub(super) fn restore(&mut self, config: &Config, report: &Report, now: Timestamp) -> bool {
        let Report { endpoint, monitor, health } = *report;
        let is_asked = asked(config, &self.places, endpoint, monitor)
            .is_some_and(|(ix, _)| is_probed(config, ix));
        if is_asked {
            let known = Known { published: health, heard: now, ..Known::default() };
            self.known.insert((endpoint, monitor), known);
        }
        is_asked
    }

    /// Takes a checker's report in.
    pub(super) fn learn(
        &mut self,
        config: &Config,
        checker: Checker,
        report: &Report,
        now: Timestamp,
    ) -> News {
        let Report { endpoint, monitor, health } = *report;
        let Some((ix, monitor)) = asked(config, &self.places, endpoint, monitor) else {
            return News::Nothing;
        };
        let monitor = config.monitor(monitor);
        let known = self.known.entry((endpoint, monitor.id)).or_default();
        if let (FailureReason::NoFailures, Some(rtt_us)) = (health.reason, health.rtt_us)
            && checker.at.region == self.own.at.region
        {
            known.measured(rtt_us, monitor, now);
        }
        known.heard = now;
        let ballot = |known: &Known| {
            let opinion = known.opinions.iter().find(|opinion| opinion.checker.id == checker.id);
            opinion.map(|opinion| opinion.health.verdict).unwrap_or_default()
        };
        let before = ballot(known);
        known.heed(Opinion { checker, health, reported: now });
        let pool = config.pool(config.endpoint(ix).pool);
        let news = known.recount(monitor, pool, self.quorum, now);
        // Near sources steer by what one checker found, even where the installation is unmoved.
        if news != News::Verdict && known.opinions.len() > 1 && before != ballot(known) {
            return News::Verdict;
        }
        news
    }

    /// Counts again, because checkers fall silent without a word.
    pub(super) fn survey(&mut self, config: &Config, now: Timestamp) -> Survey {
        let mut survey = Survey::default();
        let mut silent = BTreeSet::new();
        for ((endpoint, monitor), known) in &mut self.known {
            let Some((ix, monitor)) = asked(config, &self.places, *endpoint, *monitor) else {
                continue;
            };
            let monitor = config.monitor(monitor);
            if known.resting.is_none() && !is_fresh(known.heard, now, monitor) {
                silent.insert(*endpoint);
            }
            let pool = config.pool(config.endpoint(ix).pool);
            survey.moved |= known.recount(monitor, pool, self.quorum, now) == News::Verdict;
        }
        survey.silent = silent.len() as u64;
        survey
    }

    /// The conclusions for a configuration that [`Self::follow`] was called with.
    pub(super) fn health(&self, config: &Config, whose: Whose, now: Timestamp) -> Health {
        let of = |ix| self.endpoint(config, ix, whose, now);
        Health::new(config, of).with_latencies(|pool| self.latency(config, pool, now))
    }

    /// What one monitor has found of an endpoint.
    pub(super) fn finding(&self, config: &Config, ix: EndpointIx, of: MonitorIx) -> EndpointHealth {
        let question = (config.endpoint(ix).id, config.monitor(of).id);
        self.known.get(&question).map(|known| known.published).unwrap_or_default()
    }

    /// Everything known of a pool, to be kept over a restart.
    pub(super) fn of_pool(&self, config: &Config, pool: &Pool) -> Vec<Report> {
        let monitors = || pool.monitors().iter().map(|member| config.monitor(member.monitor).id);
        let questions = pool.endpoints().flat_map(|ix| {
            let endpoint = config.endpoint(ix).id;
            monitors().map(move |monitor| (endpoint, monitor))
        });
        let decided = questions.filter_map(|(endpoint, monitor)| {
            let health = self.known.get(&(endpoint, monitor))?.published;
            (health.verdict != Verdict::Unknown).then_some(Report { endpoint, monitor, health })
        });
        decided.collect()
    }

    /// The pool of an endpoint.
    pub(super) fn pool_of(&self, config: &Config, endpoint: EndpointId) -> Option<PoolId> {
        let ix = *self.places.get(&endpoint)?;
        Some(config.pool(config.endpoint(ix).pool).id)
    }

    fn endpoint(
        &self,
        config: &Config,
        ix: EndpointIx,
        whose: Whose,
        now: Timestamp,
    ) -> EndpointHealth {
        let endpoint = config.endpoint(ix);
        let pool = config.pool(endpoint.pool);
        let finding = |of: MonitorIx| {
            let monitor = config.monitor(of);
            let Some(known) = self.known.get(&(endpoint.id, monitor.id)) else {
                return EndpointHealth::default();
            };
            match whose {
                Whose::Installation => known.published,
                Whose::Node => known.near(monitor, pool, self.own.at, now),
            }
        };
        // Nearly every pool has one monitor, whose word is the verdict.
        match pool.monitors() {
            [] => EndpointHealth::default(),
            [one] if one.votes() => finding(one.monitor),
            many => {
                let members: Vec<_> =
                    many.iter().map(|member| (*member, finding(member.monitor))).collect();
                conclude(&members).unwrap_or_default()
            }
        }
    }

    /// How soon the probes of a pool's enabled healthy endpoints come back: the mean over these and
    /// over the monitors that vote.
    fn latency(&self, config: &Config, ix: PoolIx, now: Timestamp) -> Option<Latency> {
        let pool = config.pool(ix);
        let averages = pool.endpoints().flat_map(|ix| {
            let endpoint = config.endpoint(ix);
            let verdicts = pool.voters().map(|member| {
                let finding = self.finding(config, ix, member.monitor);
                (*member, finding.verdict)
            });
            let is_healthy = endpoint.enabled && group::combine(verdicts) == Some(Verdict::Healthy);
            let voters = pool.voters().filter(move |_| is_healthy);
            voters.filter_map(move |member| {
                let monitor = config.monitor(member.monitor);
                let average = self.known.get(&(endpoint.id, monitor.id))?.round_trips?;
                average.is_current(now, monitor.interval_ms).then_some(average)
            })
        });
        profile(averages)
    }
}

impl Known {
    fn measured(&mut self, rtt_us: u32, monitor: &Monitor, now: Timestamp) {
        self.round_trips = Some(match self.round_trips {
            Some(average) if average.is_current(now, monitor.interval_ms) => {
                average.with(rtt_us, now)
            }
            _ => MovingAverage::new(rtt_us, now),
        });
    }

    /// Replaces what the checker thought before.
    fn heed(&mut self, opinion: Opinion) {
        let mut opinions = self.opinions.iter_mut();
        match opinions.find(|known| known.checker.id == opinion.checker.id) {
            Some(known) => *known = opinion,
            None => self.opinions.push(opinion),
        }
    }

    fn ballots(&self, monitor: &Monitor, now: Timestamp) -> Vec<Ballot> {
        let ballot = |opinion: &Opinion| {
            let counts = is_fresh(opinion.reported, now, monitor);
            let verdict = if counts { opinion.health.verdict } else { Verdict::Unknown };
            Ballot { from: opinion.checker.at, verdict }
        };
        self.opinions.iter().map(ballot).collect()
    }

    /// Publishes what the opinions come to.
    fn recount(&mut self, monitor: &Monitor, pool: &Pool, quorum: Quorum, now: Timestamp) -> News {
        let counted = count(&self.ballots(monitor, now), pool.check_regions.as_ref(), quorum);
        let before = self.published;
        let verdict = settle(before.verdict, counted);
        if let Some(speaker) = self.speaker(verdict) {
            self.published = speaker.health;
        }
        self.published.verdict = verdict;
        if before.verdict != verdict {
            News::Verdict
        } else if before != self.published {
            News::Detail
        } else {
            News::Nothing
        }
    }

    /// The checker whose details go with a verdict: of those that agree, or the only one there is,
    /// the one that was heard last.
    fn speaker(&self, verdict: Verdict) -> Option<&Opinion> {
        let is_alone = self.opinions.len() == 1;
        let agrees = |opinion: &&Opinion| is_alone || opinion.health.verdict == verdict;
        self.opinions.iter().filter(agrees).max_by_key(|opinion| opinion.reported)
    }

    /// What a node at a place steers by.
    fn near(
        &self,
        monitor: &Monitor,
        pool: &Pool,
        own: Standpoint,
        now: Timestamp,
    ) -> EndpointHealth {
        // Alone, a checker is its own installation.
        if self.opinions.len() < 2 {
            return self.published;
        }
        let (ballots, regions) = (self.ballots(monitor, now), pool.check_regions.as_ref());
        let published = self.published.verdict;
        let verdict = steer_by(pool.health_sources, &ballots, regions, own, published);
        if verdict == published {
            return self.published;
        }
        let details = self.speaker(verdict).map(|opinion| opinion.health).unwrap_or_default();
        EndpointHealth { verdict, ..details }
    }
}

/// The place of an endpoint and of the monitor that looks after it, as far as a configuration has
/// them.
fn asked(
    config: &Config,
    places: &HashMap<EndpointId, EndpointIx>,
    endpoint: EndpointId,
    monitor: MonitorId,
) -> Option<(EndpointIx, MonitorIx)> {
    let ix = *places.get(&endpoint)?;
    let members = config.pool(config.endpoint(ix).pool).monitors().iter();
    let mut monitors = members.map(|member| member.monitor);
    Some((ix, monitors.find(|of| config.monitor(*of).id == monitor)?))
}

fn is_probed(config: &Config, ix: EndpointIx) -> bool {
    let endpoint = config.endpoint(ix);
    endpoint.enabled && config.pool(endpoint.pool).enabled
}

#[cfg(test)]
mod tests;
