//! What every kind of event, and of ending, does to the accounts.

mod model;

use super::reconnect::Ending;
use super::*;
use crate::record::{Counts, Metric};
use crate::report::summary::Resumes;
use crate::schedule::Schedule;
use crate::stamp::Stamp;

const MS: u64 = 1_000_000;
const RUN: u32 = 0xABC;
/// Ten events a second, from a second on: event n is planned for 1000 + 100 n ms.
const RATE: f64 = 10.0;

/// A worker's book in a run of its own; times are in milliseconds.
struct Book {
    recorder: Recorder,
    schedule: Schedule,
    published: Accepted,
}

impl Book {
    fn new(topics: u32) -> Self {
        let schedule = Schedule::new(RUN, 1000 * MS, topics, RATE).unwrap();
        let rules = Rules {
            late: 50 * MS,
            gap_event: "sse.gap".to_owned(),
            clients: 10,
            answers: false,
            in_order: true,
        };
        let mut recorder = Recorder::new(rules);
        recorder.measure(Measuring { schedule: Some(schedule), from: 1000 * MS, to: u64::MAX });
        Self { recorder, schedule, published: Accepted::default() }
    }

    fn client(&mut self, number: u32, opened: u64) -> Account {
        let mut account = Account::new(number, number % self.schedule.topics);
        self.recorder.planned(&mut account, 0);
        self.open(&mut account, false, opened);
        account
    }

    fn open(&mut self, account: &mut Account, resumed: bool, millis: u64) {
        self.recorder.attempt(account, millis * MS);
        self.recorder.opened(account, resumed, millis * MS);
    }

    /// The stream breaks, and is resumed.
    fn resume(&mut self, account: &mut Account, millis: u64) {
        self.recorder.closed(account, true, &Ending::Cut);
        self.open(account, true, millis);
    }

    fn planned(&self, topic: u32, sequence: u64) -> u64 {
        self.schedule.planned(self.schedule.number(topic, sequence))
    }

    fn says(&mut self, account: &mut Account, name: &str, data: &str, read: u64) {
        self.recorder.event(account, name, data, "", Moment { read, arrived: None });
    }

    fn stamp(&self, topic: u32, sequence: u64) -> String {
        let stamp = Stamp { run: RUN, topic, sequence, planned: self.planned(topic, sequence) };
        let mut out = Vec::new();
        stamp.write(0, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// A millisecond after they were planned, one after the other.
    fn gets(&mut self, account: &mut Account, sequences: impl IntoIterator<Item = u64>) {
        for sequence in sequences {
            let read = self.planned(account.topic, sequence) + MS;
            let stamp = self.stamp(account.topic, sequence);
            self.says(account, "message", &stamp, read);
        }
    }

    fn gets_damaged(&mut self, account: &mut Account, sequence: u64) {
        let stamp = self.stamp(account.topic, sequence).replace(";ABC", ";").replace(";abc", ";abd");
        self.says(account, "message", &stamp, self.planned(account.topic, sequence) + MS);
    }

    fn settle(mut self, count: u64, accounts: &mut [Account]) -> crate::record::Record {
        self.published.count = count;
        self.recorder.settle(accounts.iter_mut(), &self.published);
        self.recorder.record
    }
}

fn faults(counts: &Counts) -> [u64; 6] {
    let Counts { expected, received, lost, duplicated, reordered, corrupted, .. } = *counts;
    [expected, received, lost, duplicated, reordered, corrupted]
}

/// There are tens of thousands.
#[test]
fn an_account_is_small() {
    assert!(size_of::<Account>() <= 208, "{}", size_of::<Account>());
}

#[test]
fn every_fault_is_told_from_the_others() {
    let mut book = Book::new(1);
    let mut client = book.client(0, 0);
    book.gets(&mut client, [0, 1, 1, 4, 2]);
    book.gets_damaged(&mut client, 5);
    book.gets(&mut client, [6]);
    let record = book.settle(9, &mut [client]);
    // 3, 7 and 8 never came; 5 did, in a way.
    assert_eq!(faults(&record.counts), [9, 5, 3, 1, 1, 1]);
    assert_eq!(record.examples, ["client 0: 3 lost, 1 duplicated, 1 reordered, 1 corrupted"]);
    assert_eq!((record.counts.measured, record.counts.affected, record.counts.ready), (9, 1, 1));
}

#[test]
fn who_got_nothing_lost_everything_and_who_never_had_a_stream_nothing() {
    let mut book = Book::new(1);
    let silent = book.client(0, 0);
    let mut never = Account::new(1, 0);
    book.recorder.attempt(&mut never, 0);
    book.recorder.closed(&mut never, false, &Ending::Refused);
    let record = book.settle(4, &mut [silent, never]);
    assert_eq!(faults(&record.counts), [4, 0, 4, 0, 0, 0]);
    assert_eq!((record.counts.connecting, record.counts.failed, record.errors["refused"]), (0, 1, 1));
}

#[test]
fn what_the_server_refused_or_may_have_nobody_can_miss() {
    let mut book = Book::new(1);
    book.published.rejected.insert(0, vec![2, 3]);
    book.published.unknown.insert(0, vec![5, 6]);
    let (mut one, mut other) = (book.client(0, 0), book.client(1, 0));
    book.gets(&mut one, [0, 1, 4, 7]);
    // The fifth was accepted after all.
    book.gets(&mut other, [0, 1, 4, 5, 7, 8]);
    let counts = book.settle(9, &mut [one, other]).counts;
    assert_eq!((counts.expected, counts.received, counts.lost), (5 + 6, 10, 1), "only 8 was lost");
}

#[test]
fn an_announcement_excuses_what_is_missing_and_no_more() {
    for (said, missed, lost, announced) in [
        ("{\"missed\":3}", [1, 2, 3].as_slice(), 0, 3),
        ("{\"missed\":2}", &[1, 2, 3], 1, 2),
        ("{\"missed\":9}", &[1, 2, 3], 0, 3),
        ("{\"missed\":null}", &[1, 2, 3], 0, 3),
        ("no JSON", &[1, 2, 3], 0, 3),
        ("{\"missed\":3}", &[], 0, 0),
        // It was of those before 1, which is there: nothing said that 3 is missing.
        ("{\"missed\":null}", &[3], 1, 0),
    ] {
        let mut book = Book::new(1);
        let mut client = book.client(0, 0);
        book.gets(&mut client, [0]);
        book.says(&mut client, "sse.gap", said, 1050 * MS);
        book.gets(&mut client, (1..6).filter(|sequence| !missed.contains(sequence)));
        let counts = book.settle(6, &mut [client]).counts;
        assert_eq!((counts.lost, counts.announced), (lost, announced), "{said} {missed:?}");
    }
}

#[test]
fn an_unknown_number_covers_the_end_and_outlives_a_stream() {
    let mut book = Book::new(1);
    let mut client = book.client(0, 0);
    book.gets(&mut client, [0]);
    book.says(&mut client, "sse.gap", "{\"missed\":null}", 1050 * MS);
    book.resume(&mut client, 1400);
    book.gets(&mut client, [4]);
    book.says(&mut client, "sse.gap", "{\"missed\":null}", 1600 * MS);
    let record = book.settle(8, &mut [client]);
    assert_eq!((record.counts.lost, record.counts.announced), (0, 3 + 3));
    assert_eq!(record.resumes, Resumes { sent: 1, gap_announced: 1, ..Resumes::default() });
}

/// After 0 to 3: what comes next on the new stream, and what that says.
fn resumed(next: impl Fn(&mut Book, &mut Account)) -> Resumes {
    let mut book = Book::new(1);
    book.published.rejected.insert(0, vec![10, 11]);
    let mut client = book.client(0, 0);
    book.gets(&mut client, [0, 1, 3]);
    book.resume(&mut client, 1350);
    next(&mut book, &mut client);
    let resumes = book.settle(20, &mut [client]).resumes;
    let Resumes { contiguous, gap_announced, gap_silent, repeated, unsettled, sent } = resumes;
    assert_eq!(sent, contiguous + gap_announced + gap_silent + repeated + unsettled, "each is one of them");
    resumes
}

#[test]
fn resumes_are_audited() {
    let of = |resumes| Resumes { sent: 1, ..resumes };
    let none = Resumes::default();
    let contiguous = of(Resumes { contiguous: 1, ..none });
    let silent = of(Resumes { gap_silent: 1, ..none });
    assert_eq!(resumed(|book, client| book.gets(client, [4, 9])), contiguous);
    assert_eq!(resumed(|book, client| book.gets(client, [6])), silent);
    assert_eq!(resumed(|book, client| book.gets(client, [3, 4])), of(Resumes { repeated: 1, ..none }));
    assert_eq!(resumed(|_, _| ()), of(Resumes { unsettled: 1, ..none }));
    let announced = resumed(|book, client| {
        book.says(client, "sse.gap", "{\"missed\":2}", 1400 * MS);
        book.gets(client, [6]);
    });
    assert_eq!(announced, of(Resumes { gap_announced: 1, ..none }));
    // What was passed over before comes after all: that says nothing of what follows.
    assert_eq!(resumed(|book, client| book.gets(client, [2, 4])), contiguous);
    assert_eq!(resumed(|book, client| book.gets(client, [2, 5])), silent);
}

#[test]
fn a_resume_is_not_blamed_for_what_was_there_or_never_was() {
    let contiguous = Resumes { sent: 1, contiguous: 1, ..Resumes::default() };
    let damaged = resumed(|book, client| {
        book.gets_damaged(client, 4);
        book.gets(client, [5]);
    });
    assert_eq!(damaged, contiguous);
    let rejected = |first| {
        resumed(move |book, client| {
            book.gets(client, 4..first);
            book.resume(client, 1950);
            book.gets(client, [12]);
        })
    };
    assert_eq!(rejected(10), Resumes { sent: 2, contiguous: 2, ..Resumes::default() });
    // Of 9, 10 and 11, one was published.
    assert_eq!(rejected(9), Resumes { sent: 2, contiguous: 1, gap_silent: 1, ..Resumes::default() });
}

#[test]
fn a_resume_that_breaks_again_is_not_settled_by_the_next() {
    let broken = resumed(|book, client| {
        book.resume(client, 1400);
        book.gets(client, [4]);
    });
    assert_eq!(broken, Resumes { sent: 2, unsettled: 1, contiguous: 1, ..Resumes::default() });
}

#[test]
fn what_is_from_before_ones_time_is_nobodys_fault() {
    // It came at 1450: 5 is the first that it is owed.
    for (early, expected) in [
        ([5, 6].as_slice(), [2, 2, 0, 0, 0, 0]),
        (&[4, 5, 6], [3, 3, 0, 0, 0, 0]),
        (&[4, 4, 6], [3, 2, 1, 1, 0, 0]),
        // The server gives everybody its last retained event first.
        (&[0, 5, 6], [2, 3, 0, 0, 0, 0]),
        (&[5, 4, 6], [2, 2, 0, 0, 0, 0]),
        (&[0, 6], [2, 2, 1, 0, 0, 0]),
    ] {
        let mut book = Book::new(1);
        let mut client = book.client(0, 1450);
        book.gets(&mut client, early.iter().copied());
        assert_eq!(faults(&book.settle(7, &mut [client]).counts), expected, "{early:?}");
    }
}

#[test]
fn who_leaves_is_owed_what_it_passed_over() {
    let mut book = Book::new(1);
    book.published.rejected.insert(0, vec![3]);
    let (mut one, mut other) = (book.client(0, 0), book.client(1, 0));
    book.gets(&mut one, [0, 1]);
    book.gets_damaged(&mut one, 2);
    book.gets(&mut other, [0, 2, 4]);
    for client in [&mut one, &mut other] {
        book.recorder.closed(client, true, &Ending::Left);
        book.recorder.left(client, 0);
    }
    let record = book.settle(9, &mut []);
    // The other one passed over 1, and 3, which nobody could have.
    assert_eq!(faults(&record.counts), [2 + 4, 5, 1, 0, 0, 1]);
    assert_eq!((record.counts.left, record.closed["client"]), (2, 2));
}

#[test]
fn who_reads_slowly_is_not_owed_the_end_and_is_timed_apart() {
    let mut book = Book::new(1);
    let mut client = book.client(0, 0);
    book.gets(&mut client, [0, 1]);
    client.restrained = true;
    let stamp = book.stamp(0, 3);
    book.says(&mut client, "message", &stamp, 9000 * MS);
    let record = book.settle(50, &mut [client]);
    assert_eq!(faults(&record.counts), [4, 3, 1, 0, 0, 0]);
    assert_eq!((record.counts.late, record.counts.measured), (0, 2));
    assert_eq!(record.latency(Metric::Delivery).unwrap().count(), 2);
}

#[test]
fn recovery_is_when_all_that_was_published_is_there() {
    let mut book = Book::new(1);
    let (mut one, mut other, mut third) = (book.client(0, 0), book.client(1, 0), book.client(2, 0));
    for client in [&mut one, &mut other, &mut third] {
        book.gets(client, [0, 1]);
        book.recorder.cut(client, 1150 * MS);
        book.recorder.closed(client, true, &Ending::Reset);
    }
    // Nothing was missed; 2 and 3 were; 2 and 3 were, and 3 never comes.
    book.open(&mut one, true, 1200);
    book.open(&mut other, true, 1350);
    book.open(&mut third, true, 1350);
    book.gets(&mut third, [2]);
    for sequence in [2, 3] {
        let stamp = book.stamp(0, sequence);
        book.says(&mut other, "message", &stamp, (1400 + sequence) * MS);
    }
    let record = book.settle(4, &mut [one, other, third]);
    let times = |metric| {
        let latency = record.latency(metric).unwrap();
        (latency.count(), latency.max().unwrap().as_millis())
    };
    assert_eq!(times(Metric::Recovery), (2, 253));
    assert_eq!(times(Metric::Reconnect), (3, 200));
    assert_eq!(record.latency(Metric::Replayed).unwrap().count(), 3);
    assert_eq!((record.counts.cut, record.counts.reconnects, record.counts.arrived), (3, 3, 3));
}

#[test]
fn what_is_not_ours_is_foreign() {
    let mut book = Book::new(2);
    let mut client = book.client(1, 0);
    let other_topic = book.stamp(0, 0);
    let other_run = {
        let mut out = Vec::new();
        Stamp { run: RUN + 1, topic: 1, sequence: 0, planned: 0 }.write(0, &mut out);
        String::from_utf8(out).unwrap()
    };
    for data in [&other_topic, &other_run, "something else", ""] {
        book.says(&mut client, "message", data, 1001 * MS);
    }
    book.says(&mut client, "sse.drain", "", 1001 * MS);
    book.gets(&mut client, [0]);
    let counts = book.settle(2, &mut [client]).counts;
    assert_eq!((counts.foreign, counts.events), (4, 6));
    assert_eq!(faults(&counts), [1, 1, 0, 0, 0, 0]);
}

#[test]
fn only_what_was_planned_in_the_measured_time_is_timed() {
    let mut book = Book::new(1);
    let measuring = Measuring { schedule: Some(book.schedule), from: 1200 * MS, to: 1500 * MS };
    book.recorder.measure(measuring);
    let mut client = book.client(0, 0);
    book.gets(&mut client, 0..8);
    let record = book.settle(8, &mut [client]);
    assert_eq!((record.counts.expected, record.counts.received, record.counts.measured), (8, 8, 3));
    assert_eq!(record.latency(Metric::Delivery).unwrap().count(), 3);
    assert_eq!(
        record.fanout.events().map(|event| (event.key, event.expected)).collect::<Vec<_>>(),
        [(2, 1), (3, 1), (4, 1)]
    );
}

#[test]
fn what_the_parser_kept_is_not_lost() {
    let mut book = Book::new(1);
    let mut client = book.client(0, 0);
    book.gets(&mut client, [0]);
    book.recorder.unparsed(&mut client, 2);
    book.resume(&mut client, 1300);
    book.gets(&mut client, [3]);
    let record = book.settle(5, &mut [client]);
    assert_eq!((record.counts.lost, record.counts.unparsed), (1, 2));
    assert_eq!(record.resumes.contiguous, 1);
}

#[test]
fn tenths_are_by_the_order_of_connecting() {
    let mut book = Book::new(1);
    let mut clients: Vec<_> = (0..10).map(|number| book.client(number, 0)).collect();
    clients.iter_mut().take(3).for_each(|client| book.gets(client, [0]));
    let record = book.settle(1, &mut clients);
    let counts: Vec<_> = record.deciles().iter().map(crate::latency::Latency::count).collect();
    assert_eq!(counts, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn somebody_elses_events_are_told_apart_by_id_and_data() {
    let mut book = Book::new(1);
    book.recorder.measure(Measuring { schedule: None, from: 0, to: u64::MAX });
    let mut clients = [book.client(0, 0), book.client(1, 0)];
    for (data, id, at) in [("a", "", 10), ("a", "1", 20), ("b", "1", 30)] {
        for (client, after) in clients.iter_mut().zip([0, 7]) {
            let at = Moment { read: (at + after) * MS, arrived: None };
            book.recorder.event(client, "message", data, id, at);
        }
    }
    let record = book.settle(0, &mut clients);
    let spreads: Vec<_> = record.fanout.events().map(|event| event.spread().unwrap() / MS).collect();
    assert_eq!(spreads, [7, 7, 7]);
    assert_eq!(faults(&record.counts), [0; 6]);
}

#[test]
fn answers_are_timed_from_their_planned_arrival() {
    let rules = Rules { late: 0, gap_event: String::new(), clients: 1, answers: true, in_order: false };
    let mut recorder = Recorder::new(rules);
    recorder.measure(Measuring { schedule: None, from: 0, to: 1000 * MS });
    let mut account = Account::new(0, 0);
    recorder.planned(&mut account, 100 * MS);
    recorder.attempt(&mut account, 150 * MS);
    recorder.opened(&mut account, false, 200 * MS);
    for (data, at) in [("", 210), ("one", 300), ("two", 340), ("[DONE]", 900)] {
        recorder.event(&mut account, "message", data, "", Moment { read: at * MS, arrived: None });
    }
    recorder.closed(&mut account, true, &Ending::Ended);
    recorder.answered(&account, true, &Ending::Ended, 350 * MS);
    let max = |metric| recorder.record.latency(metric).unwrap().max().unwrap().as_millis();
    assert_eq!([Metric::FirstToken, Metric::BetweenTokens, Metric::Stream].map(max), [200, 40, 250]);
    assert_eq!((recorder.record.counts.foreign, recorder.record.closed["end"]), (2, 1));
}
