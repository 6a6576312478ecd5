//! What an event, a comment, a stream that opens or ends mean to a client's account, and to the record of all.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::Account;
use super::reconnect::Ending;
use super::settle::Passed;
use crate::latency::Latency;
use crate::ledger::{Arrival, Ledger};
use crate::record::{DECILES, Metric, Record};
use crate::schedule::Schedule;
use crate::stamp::Stamp;
use crate::worker::Assignment;
use crate::worker::orders::Coming;

/// What is measured, and from when to when.
#[derive(Clone, Copy, Debug)]
pub struct Measuring {
    /// The events that are published; none if somebody else publishes.
    pub schedule: Option<Schedule>,
    /// What was planned, or without a schedule happened, from here
    pub from: u64,
    /// until here counts; what was before and after is only held against the ledger.
    pub to: u64,
}

/// What counts as what.
#[derive(Clone, Debug)]
pub struct Rules {
    /// A delivery that takes longer, in ns, is late.
    pub late: u64,
    /// The event by which a server says that some were missed.
    pub gap_event: String,
    /// How many clients there are, over all workers.
    pub clients: u32,
    /// A client comes for one answer, and measures that.
    pub answers: bool,
    /// Clients stay as they came: their numbers are the order of connecting.
    pub in_order: bool,
}

impl Rules {
    /// Those of a worker's assignment.
    #[must_use]
    pub fn of(assignment: &Assignment) -> Self {
        let in_order = matches!(assignment.coming, Coming::Ramp { lifetime: None, .. });
        Self {
            late: assignment.late,
            gap_event: assignment.gap_event.clone(),
            clients: assignment.clients,
            answers: matches!(assignment.coming, Coming::Requests { .. }),
            in_order,
        }
    }
}

/// When something was read.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By us.
    pub read: u64,
    /// By the kernel, if it was asked.
    pub arrived: Option<u64>,
}

/// A worker's book of all its clients.
#[derive(Debug)]
pub struct Recorder {
    /// What adds up.
    pub record: Record,
    /// Delivery since it was last taken.
    interval: Latency,
    pub(super) measuring: Option<Measuring>,
    /// What resumes have passed over in silence, until it is known what was published at all.
    pub(super) passed: Vec<Passed>,
    /// Who left, and had passed over something; until then, too.
    pub(super) departed: Vec<Account>,
    rules: Rules,
}

impl Recorder {
    /// Nothing entered.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            record: Record::default(),
            interval: Latency::new(),
            measuring: None,
            passed: Vec::new(),
            departed: Vec::new(),
            rules,
        }
    }

    /// What is published and measured from now on.
    pub fn measure(&mut self, measuring: Measuring) {
        self.measuring = Some(measuring);
    }

    /// A life's first attempt is planned for this moment.
    pub fn planned(&mut self, account: &mut Account, due: u64) {
        account.due = due;
    }

    /// An attempt begins.
    pub fn attempt(&mut self, account: &mut Account, now: u64) {
        account.attempt = now;
        self.record.counts.connecting += 1;
        self.record.counts.asked += u64::from(self.rules.answers && self.is_measured(account.due));
    }

    /// The connection is there; no answer yet.
    pub fn connected(&mut self, account: &Account, now: u64) {
        self.record.time(Metric::Connect, now.saturating_sub(account.attempt));
    }

    /// The head of a good answer was read. `resumed`: `Last-Event-ID` had been sent.
    pub fn opened(&mut self, account: &mut Account, resumed: bool, now: u64) {
        let counts = &mut self.record.counts;
        counts.connecting -= 1;
        counts.ready += 1;
        counts.opened += 1;
        let first = account.since.is_none();
        if first {
            counts.arrived += 1;
            account.since = Some(now);
            self.record.time(Metric::ConnectPlanned, now.saturating_sub(account.due));
        } else {
            counts.reconnects += 1;
        }
        self.record.time(Metric::Headers, now.saturating_sub(account.attempt));
        (account.opened, account.heard) = (now, now);
        account.first_event_is_due = true;
        if resumed {
            self.unsettled(account);
            self.record.resumes.sent += 1;
            account.resumed = true;
        }
        if let Some(cut) = account.cut {
            self.record.time(Metric::Reconnect, now.saturating_sub(cut));
            let head = self.measuring.and_then(|measuring| {
                // Nothing is published after the end.
                Some(measuring.schedule?.sequence_at(account.topic, now.min(measuring.to)))
            });
            account.behind = Some(head.unwrap_or_default());
            self.caught_up(account, now);
        }
    }

    /// The attempt or the stream is over.
    pub fn closed(&mut self, account: &mut Account, was_open: bool, ending: &Ending) {
        let counts = &mut self.record.counts;
        let (gauge, by_reason) = if was_open {
            (&mut counts.ready, &mut self.record.closed)
        } else {
            (&mut counts.connecting, &mut self.record.errors)
        };
        *gauge -= 1;
        if !was_open && *ending == Ending::Left {
            return;
        }
        counts.failed += u64::from(!was_open);
        *by_reason.entry(ending.name().into_owned()).or_default() += 1;
        account.behind = None;
    }

    /// Its stream is cut on purpose, to see how it comes back.
    pub fn cut(&mut self, account: &mut Account, now: u64) {
        account.cut = Some(now);
        self.record.counts.cut += 1;
    }

    /// A comment was read.
    pub fn comment(&mut self, account: &mut Account, at: Moment) {
        if self.is_measured(at.read) && account.heard != account.opened {
            self.record.time(Metric::HeartbeatGap, at.read.saturating_sub(account.heard));
        }
        account.heard = at.read;
    }

    /// An event was read. `id` is the last id that the stream gave.
    pub fn event(&mut self, account: &mut Account, name: &str, data: &str, id: &str, at: Moment) {
        self.record.counts.events += 1;
        if self.rules.answers {
            return self.part(account, data, at);
        }
        if std::mem::take(&mut account.first_event_is_due) {
            self.record.time(Metric::FirstEvent, at.read.saturating_sub(account.attempt));
        } else if self.is_measured(at.read) {
            self.record.time(Metric::Gap, at.read.saturating_sub(account.event));
        }
        (account.heard, account.event) = (at.read, at.read);
        if name == self.rules.gap_event {
            return self.gap(account, data);
        }
        if name.starts_with("sse.") {
            return;
        }
        let Some(schedule) = self.measuring.and_then(|measuring| measuring.schedule) else {
            return self.somebodys(id, data, at);
        };
        match Stamp::find(data.as_bytes()) {
            Ok(Some(stamp)) if stamp.run == schedule.run && stamp.topic == account.topic => {
                self.stamped(account, &schedule, &stamp, at);
            }
            Ok(_) => self.record.counts.foreign += 1,
            Err(_) => {
                self.record.counts.corrupted += 1;
                account.corrupted += 1;
                account.unknown += 1;
            }
        }
    }

    /// An attempt for one answer is over.
    pub fn answered(&mut self, account: &Account, was_open: bool, ending: &Ending, now: u64) {
        if !self.is_measured(account.due) {
            return;
        }
        if was_open && *ending == Ending::Ended {
            self.record.counts.completed += 1;
            self.record.time(Metric::Stream, now.saturating_sub(account.due));
        } else if was_open {
            self.record.counts.broken += 1;
        } else {
            self.record.counts.unanswered += 1;
        }
    }

    /// So many events were on the stream, and the engine's parser did not give them.
    pub fn unparsed(&mut self, account: &mut Account, events: u64) {
        let number = u32::try_from(events).unwrap_or(u32::MAX);
        account.unparsed = account.unparsed.saturating_add(number);
        account.unknown = account.unknown.saturating_add(number);
        self.record.counts.unparsed += events;
    }

    /// A worker was busy from here to there.
    pub fn turn(&mut self, began: u64, ended: u64) {
        if self.is_measured(began) {
            self.record.time(Metric::Turn, ended.saturating_sub(began));
        }
    }

    /// Bytes were read, in one go.
    pub fn read(&mut self, bytes: usize) {
        self.record.counts.reads += 1;
        self.record.counts.bytes += bytes as u64;
    }

    /// Takes the delivery since this was last called, and adds it to the whole.
    pub fn take_interval(&mut self) -> Option<Latency> {
        if self.interval.count() == 0 {
            return None;
        }
        let interval = std::mem::take(&mut self.interval);
        self.record.times(Metric::Delivery, &interval);
        Some(interval)
    }

    pub(super) fn unsettled(&mut self, account: &mut Account) {
        self.record.resumes.unsettled += u64::from(std::mem::take(&mut account.resumed));
    }

    /// The account's ledger, from the first event that is owed.
    pub(super) fn ledger<'a>(account: &'a mut Account, schedule: &Schedule) -> &'a mut Ledger {
        let Account { topic, since, owed, ledger, .. } = account;
        ledger.get_or_insert_with(|| {
            *owed = schedule.sequence_at(*topic, since.unwrap_or(u64::MAX));
            Ledger::from(*owed)
        })
    }

    pub(super) fn is_measured(&self, time: u64) -> bool {
        self.measuring.is_some_and(|measuring| (measuring.from..measuring.to).contains(&time))
    }

    fn stamped(&mut self, account: &mut Account, schedule: &Schedule, stamp: &Stamp, at: Moment) {
        let Some(arrival) = Self::enter_arrival(account, schedule, stamp.sequence) else {
            // Nobody owed it: it is neither a fault nor to be expected.
            return self.early(account);
        };
        self.audit(account, stamp, arrival);
        match arrival {
            Arrival::Duplicate => {
                self.record.counts.duplicated += 1;
                account.duplicated += 1;
                return;
            }
            Arrival::Late => {
                self.record.counts.reordered += 1;
                account.reordered += 1;
            }
            Arrival::Ahead { missing } => {
                if std::mem::take(&mut account.excused) {
                    Self::ledger(account, schedule).announced(missing);
                }
                (account.told, account.unknown) = (false, 0);
            }
            Arrival::InOrder => (account.told, account.excused, account.unknown) = (false, false, 0),
        }
        self.record.counts.received += 1;
        if account.behind.is_some() {
            self.caught_up(account, at.read);
        }
        let took = at.read.saturating_sub(stamp.planned);
        let replayed = stamp.planned < account.opened && account.since != Some(account.opened);
        // What was planned while the client was away could not be in time.
        self.record.counts.late += u64::from(took > self.rules.late && !account.restrained && !replayed);
        if account.restrained || !self.is_measured(stamp.planned) {
            return;
        }
        self.interval.record_nanos(took);
        account.timed += 1;
        // Who came back has another place in the order than its number says.
        if self.rules.in_order && account.since == Some(account.opened) {
            let decile = u64::from(account.client) * DECILES as u64 / u64::from(self.rules.clients.max(1));
            self.record.delivered_to((decile as usize).min(DECILES - 1), took);
        }
        if replayed {
            self.record.time(Metric::Replayed, took);
        }
        if let Some(arrived) = at.arrived {
            self.record.time(Metric::DeliverySampled, took);
            self.record.time(Metric::DeliveryWire, arrived.saturating_sub(stamp.planned));
            self.record.time(Metric::Lag, at.read.saturating_sub(arrived));
        }
        self.record.fanout.delivered(schedule.number(stamp.topic, stamp.sequence), at.read, Some(took));
    }

    /// What an event is in the account, which begins with what is owed. None: it is from before that.
    ///
    /// What was on its way when the client came, or is retained, may come first. If what is owed follows on it, the account
    /// begins there, since copies and late ones are then told from others; if not, it is forgotten.
    fn enter_arrival(account: &mut Account, schedule: &Schedule, sequence: u64) -> Option<Arrival> {
        if account.ledger.is_none() {
            account.owed = schedule.sequence_at(account.topic, account.since.unwrap_or(u64::MAX));
            account.ledger = Some(Ledger::from(account.owed.min(sequence)));
        }
        let (owed, ledger) = (account.owed, account.ledger.as_mut()?);
        if sequence < ledger.first() {
            return None;
        }
        if sequence >= owed && ledger.next() < owed {
            *ledger = Ledger::from(owed);
        }
        Some(ledger.arrived(sequence))
    }

    fn early(&mut self, account: &mut Account) {
        if std::mem::take(&mut account.resumed) {
            self.record.resumes.repeated += 1;
        }
    }

    /// A part of an answer. Some servers begin with an event that says nothing: what a user waits for is content.
    fn part(&mut self, account: &mut Account, data: &str, at: Moment) {
        if data.is_empty() || data == "[DONE]" || !self.is_measured(account.due) {
            return;
        }
        self.record.counts.foreign += 1;
        if std::mem::take(&mut account.first_event_is_due) {
            self.record.time(Metric::FirstToken, at.read.saturating_sub(account.due));
        } else {
            self.record.time(Metric::BetweenTokens, at.read.saturating_sub(account.event));
        }
        (account.heard, account.event) = (at.read, at.read);
    }

    /// An event of an endpoint that we do not publish to: it can still be told apart, by its id and its data.
    fn somebodys(&mut self, id: &str, data: &str, at: Moment) {
        if !self.is_measured(at.read) {
            return;
        }
        // Both: an id holds for all events after it, until there is another. All workers are of the same program, and so
        // have the same hash.
        let mut hasher = DefaultHasher::new();
        (id, data).hash(&mut hasher);
        let key = hasher.finish();
        self.record.counts.foreign += 1;
        self.record.fanout.delivered(key, at.read, None);
    }

    /// The server says that events were missed: `{"missed":3}`, or null if it does not know how many.
    fn gap(&mut self, account: &mut Account, data: &str) {
        account.told = true;
        let gap: Option<Gap> = serde_json::from_str(data).ok();
        match (gap.and_then(|gap| gap.missed), self.measuring.and_then(|measuring| measuring.schedule)) {
            (Some(missed), Some(schedule)) => Self::ledger(account, &schedule).announced(missed),
            _ => account.excused = true,
        }
    }

    /// What the first event after a resume says of it.
    fn audit(&mut self, account: &mut Account, stamp: &Stamp, arrival: Arrival) {
        if !account.resumed {
            return;
        }
        let resumes = &mut self.record.resumes;
        let counter = match arrival {
            // It had been passed over before the stream broke: whether all is there that followed, the next one tells.
            Arrival::Late => return,
            Arrival::InOrder => &mut resumes.contiguous,
            Arrival::Duplicate => &mut resumes.repeated,
            Arrival::Ahead { .. } if account.told => &mut resumes.gap_announced,
            // They came, and nobody could read them.
            Arrival::Ahead { missing } if missing <= account.unknown.into() => &mut resumes.contiguous,
            Arrival::Ahead { missing } => {
                account.resumed = false;
                let first = stamp.sequence - missing;
                self.passed.push(Passed { topic: account.topic, first, end: stamp.sequence });
                return;
            }
        };
        *counter += 1;
        account.resumed = false;
    }

    fn caught_up(&mut self, account: &mut Account, now: u64) {
        let has = self
            .measuring
            .and_then(|measuring| measuring.schedule)
            .map_or(0, |schedule| Self::ledger(account, &schedule).next());
        if account.behind.is_none_or(|behind| has < behind) {
            return;
        }
        account.behind = None;
        if let Some(cut) = account.cut.take() {
            self.record.time(Metric::Recovery, now.saturating_sub(cut));
        }
    }
}

#[derive(serde::Deserialize)]
struct Gap {
    missed: Option<u64>,
}
