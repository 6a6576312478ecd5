//! The log against the plainest thing that could do its work: a list of every frame it was ever given.

use proptest::prelude::*;

use super::*;
use crate::event::Event;
use crate::id::Epoch;

/// What a log is compared with.
#[derive(Debug)]
struct Plain {
    retention: Retention,
    /// The sequence up to which the past was lost before the log began.
    origin: u64,
    frames: Vec<(u64, Bytes, Duration)>,
    trimmed: usize,
}

impl Plain {
    fn new(retention: Retention, origin: u64) -> Self {
        Self { retention, origin, frames: Vec::new(), trimmed: 0 }
    }

    fn retained(&self) -> &[(u64, Bytes, Duration)] {
        &self.frames[self.trimmed..]
    }

    fn size(&self) -> usize {
        self.retained().iter().map(|(_, bytes, _)| bytes.len()).sum()
    }

    fn trim(&mut self, now: Duration) -> bool {
        let before = self.trimmed;
        let Retention { events, bytes, age } = self.retention;
        while self.retained().len() > events.get() || (self.size() > bytes && self.retained().len() > 1) {
            self.trimmed += 1;
        }
        while self.retained().first().is_some_and(|(.., at)| age.is_some_and(|age| now - *at > age)) {
            self.trimmed += 1;
        }
        self.trimmed > before
    }

    /// The sequence of the nth frame, counted from one.
    fn nth(&self, n: usize) -> u64 {
        n.checked_sub(1).map_or(self.origin, |index| self.frames[index].0)
    }

    fn floor(&self) -> u64 {
        self.nth(self.trimmed)
    }

    /// As many numbers are remembered as frames may be retained.
    fn unknown(&self) -> u64 {
        self.nth(self.trimmed.saturating_sub(self.retention.events.get()))
    }

    fn count_through(&self, sequence: u64) -> Option<u64> {
        let count = self.frames.iter().filter(|(other, ..)| *other <= sequence).count();
        (sequence >= self.unknown()).then_some(count as u64)
    }

    fn between(&self, after: u64, through: u64) -> &[(u64, Bytes, Duration)] {
        let retained = self.retained();
        let first = retained.iter().take_while(|(sequence, ..)| *sequence <= after).count();
        let end = retained.iter().take_while(|(sequence, ..)| *sequence <= through).count();
        &retained[first..end.max(first)]
    }
}

/// A log and its plain counterpart, given the same things.
struct Pair {
    epoch: Epoch,
    log: Log,
    plain: Plain,
    sequence: u64,
    now: Duration,
}

impl Pair {
    fn new(retention: Retention, origin: u64) -> Self {
        Self {
            epoch: Epoch::random(),
            log: Log::new(origin),
            plain: Plain::new(retention, origin),
            sequence: origin,
            now: Duration::ZERO,
        }
    }

    /// Appends a frame and trims, as a publish does.
    fn append(&mut self, skipped: u64, size: usize) {
        self.sequence += 1 + skipped;
        let id = EventId { epoch: self.epoch, sequence: self.sequence };
        let letter = char::from(b'a' + (self.sequence % 26) as u8);
        let frame = Frame::encode(&Event::message(&letter.to_string().repeat(size)));
        self.plain.frames.push((self.sequence, frame.to_bytes(Some(&id)), self.now));
        self.log.append(frame, &id, self.now);
        self.trim();
    }

    fn trim(&mut self) {
        assert_eq!(self.log.trim(&self.plain.retention, self.now), self.plain.trim(self.now));
        self.check();
    }

    fn check(&self) {
        let Self { log, plain, .. } = self;
        assert_eq!(log.floor(), plain.floor());
        assert_eq!(log.trimmed(), plain.trimmed as u64);
        assert_eq!(log.head(), plain.nth(plain.frames.len()));
        assert_eq!(log.bytes(), plain.size() as u64);
        assert_eq!(log.is_empty(), plain.retained().is_empty());
        let mut position = log.sealed.front().map_or(log.tail_start, |block| block.start);
        assert!(position <= log.start);
        for block in &log.sealed {
            assert_eq!(block.start, position, "blocks lie side by side");
            assert!(block.end() > log.start, "a block without a retained frame is let go of");
            position = block.end();
        }
        assert_eq!(position, log.tail_start);
        assert!(log.tail.len() <= BLOCK);
    }

    fn check_counts(&self) {
        for sequence in self.plain.origin.saturating_sub(2)..self.sequence + 2 {
            let count = self.log.count_through(sequence);
            assert_eq!(count, self.plain.count_through(sequence), "through {sequence}");
        }
    }

    fn check_read(&self, after: u64, through: u64, limit: usize) {
        let expected = self.plain.between(after, through);
        let mut each = Vec::new();
        let complete = self.log.read_each(after, through, limit, &mut each);
        let Some(run) = self.log.read(after, through, limit) else {
            assert!(expected.is_empty(), "nothing was read above {after}");
            assert_eq!((complete, each), (through, Vec::new()));
            return;
        };
        let frames = run.frames as usize;
        let (taken, left) = expected.split_at(frames);
        let bytes = taken.iter().map(|(_, bytes, _)| &bytes[..]).collect::<Vec<_>>().concat();
        assert_eq!(run.bytes, bytes);
        assert_eq!(run.last, taken[frames - 1].0);
        assert!(frames == 1 || bytes.len() <= limit);
        if let Some((_, next, _)) = left.first() {
            let end = self.log.entries.iter().find(|entry| entry.sequence == run.last).unwrap().end;
            let at_blocks_end = self.log.sealed.iter().any(|block| block.end() == end);
            assert!(at_blocks_end || bytes.len() + next.len() > limit, "a run goes as far as it can");
        }
        assert_eq!(run.published, taken[0].2);
        let each: Vec<_> =
            each.into_iter().map(|piece| (piece.sequence, piece.bytes, piece.published)).collect();
        assert_eq!(each, taken);
        assert_eq!(complete, if left.is_empty() { through } else { run.last });
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append { skipped: u64, size: usize },
    Pass { milliseconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let append = (0..3u64, size()).prop_map(|(skipped, size)| Step::Append { skipped, size });
    prop_oneof![8 => append, 1 => (0..40u64).prop_map(|milliseconds| Step::Pass { milliseconds })]
}

/// Small, a few to a block, about half a block, and more than a block.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0..100usize,
        2 => 3_000..9_000usize,
        1 => BLOCK / 2 - 60..BLOCK / 2 + 20,
        1 => BLOCK - 60..BLOCK * 2,
    ]
}

fn retention() -> impl Strategy<Value = Retention> {
    let bytes = prop_oneof![0..200usize, 0..5 * BLOCK];
    let age = prop::option::of((0..100u64).prop_map(Duration::from_millis));
    (1..20usize, bytes, age).prop_map(|(events, bytes, age)| bounds(events, bytes, age))
}

fn bounds(events: usize, bytes: usize, age: Option<Duration>) -> Retention {
    Retention { events: events.try_into().unwrap(), bytes, age }
}

const PLENTY: Retention =
    Retention { events: NonZeroUsize::new(1 << 20).unwrap(), bytes: usize::MAX, age: None };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn does_what_a_list_would(
        retention in retention(),
        origin in prop_oneof![Just(0), 1..50u64],
        steps in prop::collection::vec(step(), 1..60),
        reads in prop::collection::vec((0.0..1.0, 0.0..1.1, prop_oneof![0..400usize, 0..3 * BLOCK]), 1..8),
    ) {
        let mut pair = Pair::new(retention, origin);
        for step in steps {
            match step {
                Step::Append { skipped, size } => pair.append(skipped, size),
                Step::Pass { milliseconds } => {
                    pair.now += Duration::from_millis(milliseconds);
                    pair.trim();
                }
            }
            for (after, through, limit) in &reads {
                // Readers are told of what is gone before they read, so they start at or above the floor.
                let (floor, head) = (pair.log.floor(), pair.log.head() + 1);
                let at = |share: f64, from: u64| from + ((head - from) as f64 * share) as u64;
                let after = at(*after, floor);
                pair.check_read(after, at(*through, after), *limit);
                pair.check_read(after, u64::MAX, *limit);
            }
        }
        pair.check_counts();
    }
}

#[test]
fn a_run_of_a_sealed_block_is_never_copied() {
    let mut pair = Pair::new(PLENTY, 0);
    (0..100).for_each(|_| pair.append(0, 1000));
    assert!(pair.log.sealed.len() >= 2);
    let sealed = &pair.log.sealed[0].bytes;
    for limit in [1, 5000, BLOCK] {
        let run = pair.log.read(3, u64::MAX, limit).unwrap();
        let again = pair.log.read(3, u64::MAX, limit).unwrap();
        assert_eq!(run.bytes.as_ptr(), again.bytes.as_ptr());
        assert!(sealed.as_ptr_range().contains(&run.bytes.as_ptr()));
    }
    let mut each = Vec::new();
    pair.log.read_each(3, u64::MAX, 5000, &mut each);
    assert!(each.iter().all(|piece| sealed.as_ptr_range().contains(&piece.bytes.as_ptr())));
}

#[test]
fn blocks_are_sealed_at_their_size_and_before_large_frames() {
    let blocks = |sizes: &[usize]| {
        let mut pair = Pair::new(PLENTY, 0);
        sizes.iter().for_each(|size| pair.append(0, *size));
        (pair.log.sealed.len(), pair.log.tail.is_empty())
    };
    assert_eq!(blocks(&[10, 10, 10]), (0, false));
    assert_eq!(blocks(&[BLOCK / 2 - 60, BLOCK / 2 - 60]), (0, false));
    assert_eq!(blocks(&[BLOCK / 2 - 60, BLOCK / 2 - 60, 60]), (1, false));
    assert_eq!(blocks(&[BLOCK / 2]), (1, true), "a large frame has a block to itself");
    assert_eq!(blocks(&[10, BLOCK / 2, BLOCK, 10]), (3, false));
}

#[test]
fn a_run_outlives_its_frames() {
    let mut pair = Pair::new(bounds(1, usize::MAX, None), 0);
    pair.append(0, 10);
    pair.append(0, BLOCK);
    let run = pair.log.read(1, u64::MAX, usize::MAX).unwrap();
    let expected = run.bytes.to_vec();
    (0..5).for_each(|_| pair.append(0, BLOCK));
    assert_eq!(run.bytes, expected);
    assert_eq!(pair.log.sealed.len(), 1);
}

#[test]
fn the_newest_frame_stays_however_large_until_its_age_ends_it() {
    let mut pair = Pair::new(bounds(1, 0, Some(Duration::from_millis(10))), 0);
    pair.append(0, 3 * BLOCK);
    pair.now = Duration::from_millis(10);
    pair.trim();
    assert!(!pair.log.is_empty());
    pair.now = Duration::from_millis(11);
    pair.trim();
    assert!(pair.log.is_empty());
    assert_eq!((pair.log.head(), pair.log.floor(), pair.log.bytes()), (1, 1, 0));
    assert!(pair.log.sealed.is_empty() && pair.log.tail.capacity() == 0);
    pair.append(0, 10);
    pair.check_read(1, u64::MAX, 1);
}

#[test]
fn a_count_is_exact_as_long_as_the_number_is_remembered() {
    let mut pair = Pair::new(bounds(3, usize::MAX, None), 100);
    (0..10).for_each(|_| pair.append(1, 10));
    // Sequences 102, 104, .., 120; retained are 116, 118, 120; remembered 110, 112, 114.
    assert_eq!(pair.log.floor(), 114);
    let counts =
        [(107, None), (108, Some(4)), (109, Some(4)), (110, Some(5)), (113, Some(6)), (114, Some(7))];
    for (sequence, count) in counts.into_iter().chain([(115, Some(7)), (116, Some(8)), (500, Some(10))]) {
        assert_eq!(pair.log.count_through(sequence), count, "through {sequence}");
    }
}

#[test]
fn i11_what_was_before_the_log_is_not_known_to_be_nothing() {
    let log = Log::new(100);
    assert_eq!((log.head(), log.floor(), log.trimmed()), (100, 100, 0));
    assert_eq!((log.count_through(99), log.count_through(100)), (None, Some(0)));
}

#[test]
fn i5_an_empty_log_remembers_a_few_numbers_only() {
    let mut pair = Pair::new(bounds(1000, usize::MAX, Some(Duration::from_millis(10))), 0);
    (0..1000).for_each(|_| pair.append(0, 10));
    pair.now = Duration::from_millis(11);
    assert!(pair.log.trim(&pair.plain.retention, pair.now));
    assert_eq!(pair.log.forgotten.len(), FORGOTTEN_WHEN_EMPTY);
    let known = 1000 - FORGOTTEN_WHEN_EMPTY as u64;
    assert_eq!((pair.log.count_through(known - 1), pair.log.count_through(known)), (None, Some(known)));
    assert!(memory(pair.log) <= 8 * FORGOTTEN_WHEN_EMPTY + 256);
}

/// What it has allocated, less the few words of the log itself.
fn memory(log: Log) -> usize {
    let Log { entries, sealed, tail, forgotten, .. } = log;
    let index = entries.capacity() * size_of::<Entry>() + forgotten.capacity() * size_of::<u64>();
    let blocks: usize = sealed.capacity() * size_of::<Block>()
        + sealed
            .into_iter()
            .map(|block| block.bytes.try_into_mut().expect("nobody else reads it").capacity())
            .sum::<usize>();
    index + blocks + tail.capacity()
}

#[test]
fn i5_memory_exceeds_what_is_retained_by_no_more_than_is_said() {
    let patterns: [&[usize]; 7] = [
        &[0],
        &[100],
        &[1000, 3000],
        &[BLOCK / 3],
        &[BLOCK / 2 - 100],
        &[BLOCK / 2 + 1, 10],
        &[BLOCK - 500, 10_000, 10_000, 10_000, 10],
    ];
    let epoch = Epoch::random();
    for (sizes, events) in patterns.into_iter().map(|sizes| (sizes, 1000)).chain([(&[0][..], 20_000)]) {
        let retention = bounds(events, 1024 * 1024, None);
        let mut log = Log::new(0);
        for (sequence, size) in (1..=events as u64 * 4).zip(sizes.iter().cycle()) {
            let frame = Frame::encode(&Event::message(&"x".repeat(*size)));
            log.append(frame, &EventId { epoch, sequence }, Duration::ZERO);
            log.trim(&retention, Duration::ZERO);
        }
        let retained = log.bytes() as usize;
        let beyond = memory(log).saturating_sub(retained);
        assert!(
            beyond <= 3 * BLOCK + 40 * events,
            "{sizes:?}: {beyond} bytes beyond the {retained} retained"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is shed: what remains is what was not, and what is said of the memory is true.
    #[test]
    fn i5_what_is_shed_is_given_back(
        retention in retention(),
        steps in prop::collection::vec((size(), prop::option::weighted(0.1, 0.0..1.2f64)), 1..80),
    ) {
        let mut pair = Pair::new(retention, 0);
        for (size, cut) in steps {
            let before = pair.log.weight().held;
            let growth = pair.log.growth(&Frame::encode(&Event::message(&"x".repeat(size))));
            let (trimmed, numbers) = (pair.log.trimmed(), pair.log.forgotten.capacity() as u64);
            pair.append(0, size);
            // A large one pushes out several, whose numbers are kept; room for them grows to the double.
            let pushed_out = pair.log.trimmed() - trimmed;
            let more_numbers = if pushed_out > 1 { 8 * numbers.max(4 * pushed_out) } else { 0 };
            assert!(pair.log.weight().held <= before + growth + more_numbers, "more than was said");
            if let Some(share) = cut {
                let cut = (pair.sequence as f64 * share) as u64;
                let kept = |log: &Log| (log.head(), log.read(log.head() - 1, u64::MAX, 1).map(|run| run.bytes));
                let newest = kept(&pair.log);
                let shed = pair.log.shed(cut);
                pair.plain.trimmed += shed as usize;
                assert_eq!(kept(&pair.log), newest);
                let older = pair.plain.retained().split_last().map_or(&[][..], |(_, older)| older);
                assert!(older.iter().all(|(sequence, ..)| *sequence > cut), "all that was to go is gone");
                pair.check();
                pair.check_read(pair.log.floor(), u64::MAX, usize::MAX);
            }
        }
        pair.log.shed(u64::MAX);
        let (held, bytes) = (pair.log.weight().held, pair.log.bytes());
        assert!(held <= 2 * bytes + 1024, "{held} bytes for one frame of {bytes}");
        // Of a frame with a block to itself, the room for the longest id stays.
        let spare = memory(pair.log) - held as usize;
        assert!(spare < 32, "{spare} bytes that were not counted");
    }
}
