//! The broadcaster as a list: every event ever published, in order, and what of it is no longer retained.

use std::time::{Duration, Instant};

use sse_core::{Config, Epoch, LagRule};

/// An event of the list.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) sequence: u64,
    pub(crate) data: String,
    size: u64,
    pub(crate) at: Instant,
}

/// One life of a topic, from its creation until it is forgotten.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) name: &'static str,
    pub(crate) events: Vec<Entry>,
    pub(crate) ended: bool,
    pub(crate) readers: usize,
    pub(crate) used: Instant,
    /// No earlier life of any topic had an event above this.
    origin: u64,
    trimmed: usize,
    forgotten: bool,
}

impl Life {
    /// The highest sequence that is not retained.
    pub(crate) fn floor(&self) -> u64 {
        self.nth(self.trimmed)
    }

    pub(crate) fn head(&self) -> u64 {
        self.nth(self.events.len())
    }

    /// The events above one sequence and at or below another.
    pub(crate) fn between(&self, after: u64, through: u64) -> &[Entry] {
        let first = self.events.partition_point(|event| event.sequence <= after);
        let end = self.events.partition_point(|event| event.sequence <= through);
        &self.events[first..end.max(first)]
    }

    /// Whether it can be said how many events there were up to a sequence: of those that are gone, as many numbers
    /// are remembered as events may be retained.
    pub(crate) fn counts(&self, sequence: u64, config: &Config) -> bool {
        sequence >= self.nth(self.trimmed.saturating_sub(config.retention.events.get()))
    }

    /// Where a reader goes on that may have so many of the newest events, of those that are retained.
    pub(crate) fn before_last(&self, remaining: u64) -> u64 {
        let skipped = (self.events.len() as u64).saturating_sub(remaining) as usize;
        self.nth(skipped.max(self.trimmed))
    }

    fn nth(&self, n: usize) -> u64 {
        n.checked_sub(1).map_or(self.origin, |index| self.events[index].sequence)
    }

    fn retained(&self) -> &[Entry] {
        &self.events[self.trimmed..]
    }

    fn bytes(&self) -> u64 {
        self.retained().iter().map(|event| event.size).sum()
    }

    fn trim(&mut self, config: &Config, now: Instant) {
        let bounds = &config.retention;
        while let [oldest, rest @ ..] = self.retained() {
            let too_many = rest.len() >= bounds.events.get() || self.bytes() > bounds.bytes as u64;
            let too_old = bounds.age.is_some_and(|age| now - oldest.at > age);
            if !too_old && (!too_many || rest.is_empty()) {
                return;
            }
            self.trimmed += 1;
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) config: Config,
    /// What holds for those who fall behind, by the first letters of topics' names.
    pub(crate) rules: [LagRule; 2],
    pub(crate) epoch: Epoch,
    pub(crate) started: Instant,
    pub(crate) lives: Vec<Life>,
    pub(crate) published: u64,
    pub(crate) closed: bool,
    /// Everybody is to be told of the close, rather than some of them.
    pub(crate) over: bool,
    /// When everybody will have been told.
    until: Option<Instant>,
    forgotten: u64,
}

impl Plain {
    pub(crate) fn new(config: Config, rules: [LagRule; 2], epoch: Epoch) -> Self {
        Self {
            started: (config.clock)(),
            config,
            rules,
            epoch,
            lives: Vec::new(),
            published: 0,
            closed: false,
            over: false,
            until: None,
            forgotten: 0,
        }
    }

    /// The rule of a life's topic.
    pub(crate) fn rule(&self, life: usize) -> LagRule {
        self.rules[usize::from(self.lives[life].name > "b")]
    }

    pub(crate) fn find(&self, name: &'static str) -> Option<usize> {
        self.lives.iter().position(|life| life.name == name && !life.forgotten)
    }

    pub(crate) fn find_or_create(&mut self, name: &'static str) -> usize {
        self.find(name).unwrap_or_else(|| {
            self.lives.push(Life {
                name,
                events: Vec::new(),
                ended: false,
                readers: 0,
                used: self.now(),
                origin: self.forgotten,
                trimmed: 0,
                forgotten: false,
            });
            self.lives.len() - 1
        })
    }

    /// Appends an event, whose frame has so many bytes; answers its sequence, or none if that is refused.
    pub(crate) fn publish(
        &mut self,
        life: usize,
        data: String,
        size: impl FnOnce(u64) -> u64,
    ) -> Option<u64> {
        let now = self.now();
        let Self { config, lives, published, closed, .. } = self;
        let life = &mut lives[life];
        if *closed || life.ended {
            return None;
        }
        *published += 1;
        let sequence = *published;
        life.events.push(Entry { sequence, data, size: size(sequence), at: now });
        life.used = now;
        life.trim(config, now);
        Some(sequence)
    }

    /// Closes over a window; answers whether that is news.
    pub(crate) fn close(&mut self, window: Duration) -> bool {
        let until = self.now() + window;
        let sooner = self.until.is_none_or(|known| until < known);
        self.closed = true;
        if sooner {
            self.until = Some(until);
            self.over = window.is_zero();
        }
        sooner
    }

    /// Answers how many topics it forgot.
    pub(crate) fn expire(&mut self) -> usize {
        let now = self.now();
        let Self { config, lives, forgotten, .. } = self;
        let mut count = 0;
        for life in lives.iter_mut().filter(|life| !life.forgotten) {
            life.trim(config, now);
            let blank = life.events.is_empty() && !life.ended;
            let minute = Duration::from_secs(60);
            let remember = if blank { config.forget_after.min(minute) } else { config.forget_after };
            let unused = life.readers == 0 && now - life.used >= remember;
            if unused && (life.ended || life.retained().is_empty()) {
                life.forgotten = true;
                *forgotten = life.head().max(*forgotten);
                count += 1;
            }
        }
        count
    }

    pub(crate) fn now(&self) -> Instant {
        (self.config.clock)()
    }

    pub(crate) fn topics(&self) -> usize {
        self.live().count()
    }

    pub(crate) fn retained_bytes(&self) -> u64 {
        self.live().map(Life::bytes).sum()
    }

    fn live(&self) -> impl Iterator<Item = &Life> {
        self.lives.iter().filter(|life| !life.forgotten)
    }
}

/// An age that events reach within a test.
pub(crate) const AGE: Duration = Duration::from_millis(50);
