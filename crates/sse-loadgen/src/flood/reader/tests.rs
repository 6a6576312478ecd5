//! However a stream is cut, and whatever of it is compared rather than decoded, the counts are those of decoding it all.

use proptest::prelude::*;

use super::*;
use crate::flood::book::Counts;
use crate::stamp::Stamp;

const RUN: u32 = 7;

/// What a stream is made of.
#[derive(Clone, Debug)]
enum Part {
    /// The event of this number.
    Event(u64),
    /// The same with a byte changed.
    Damaged(u64),
    /// A frame that no other stream has: the same event, with a line more.
    Own(u64),
    Comment,
    Retry,
    Gap(Option<u64>),
    Foreign,
}

fn stamp(sequence: u64) -> String {
    let mut stamp = Vec::new();
    Stamp { run: RUN, topic: 0, sequence, planned: sequence * 10_000 }.write(90, &mut stamp);
    String::from_utf8(stamp).unwrap()
}

fn bytes(parts: &[Part], end: &str) -> Vec<u8> {
    let text: String = parts
        .iter()
        .map(|part| match part {
            Part::Event(sequence) => format!("data: {}\nid: e-{sequence}\n\n", stamp(*sequence)),
            Part::Damaged(sequence) => {
                format!("data: {}\nid: e-{sequence}\n\n", stamp(*sequence).replace("xxxx", "xxXx"))
            }
            Part::Own(sequence) => format!(": 1\nretry: 9\ndata: {}\nnote: mine\n\n", stamp(*sequence)),
            Part::Comment => ":\n".to_owned(),
            Part::Retry => "retry: 1000\n\n".to_owned(),
            Part::Gap(missed) => {
                let missed = missed.map_or_else(|| "null".to_owned(), |missed| missed.to_string());
                format!("event: sse.gap\ndata: {{\"missed\":{missed}}}\nid: g\n\n")
            }
            Part::Foreign => "data: hello\n\n".to_owned(),
        })
        .collect();
    text.replace('\n', end).into_bytes()
}

fn book() -> Book {
    let mut book = Book::new(RUN, "sse.gap");
    book.measure(3);
    book
}

/// What has been found, but for the way in which.
fn found(readers: &[Reader], book: &Book) -> (Vec<(u64, u64, u64)>, Counts, u64) {
    let owed = readers.iter().map(|reader| {
        let owed = reader.owed();
        (owed.ledger.next(), owed.lost(100, &[50, 60]), owed.ledger.was_announced())
    });
    (owed.collect(), Counts { decoded: 0, ..book.counts }, book.latency.count())
}

/// Streams that are read in turns, so many bytes each time.
fn read(streams: &[Vec<u8>], turns: &[(usize, usize)], book: &mut Book) -> Vec<Reader> {
    let mut readers: Vec<_> = streams.iter().map(|_| Reader::new()).collect();
    let mut read: Vec<_> = streams.iter().map(|_| 0).collect();
    let all = (0..streams.len()).map(|stream| (stream, usize::MAX));
    for (turn, (stream, size)) in turns.iter().copied().chain(all).enumerate() {
        let stream = stream % streams.len();
        let rest = &streams[stream][read[stream]..];
        let piece = &rest[..size.min(rest.len())];
        read[stream] += piece.len();
        // Time goes on, so that the track does not wait for what nobody brings.
        readers[stream].read(piece, turn as u64 * 7_000_000, book).unwrap();
    }
    readers
}

/// Each stream on its own, with a track that it is the only one to lay, or that nobody is let on.
fn decoded(streams: &[Vec<u8>]) -> (Vec<(u64, u64, u64)>, Counts, u64) {
    let (mut owed, mut counts, mut timed) = (Vec::new(), Counts::default(), 0);
    for stream in streams {
        let mut book = book();
        let mut own = Owed::all();
        let (mut decoder, mut data) = (Decoder::new(MAX_EVENT), &**stream);
        while let Some(item) = decoder.next(&mut data).unwrap() {
            if let Item::Event(message) = item {
                own.decoded(&message, 0, &mut book);
            }
        }
        let reader = Reader { owed: own, ..Reader::new() };
        let (one, mine, latencies) = found(&[reader], &book);
        owed.extend(one);
        timed += latencies;
        counts.deliveries += mine.deliveries;
        counts.duplicated += mine.duplicated;
        counts.reordered += mine.reordered;
        counts.damaged += mine.damaged;
        counts.foreign += mine.foreign;
    }
    (owed, counts, timed)
}

fn events(range: std::ops::Range<u64>) -> Vec<Part> {
    range.map(Part::Event).collect()
}

#[test]
fn only_the_first_is_decoded() {
    let start = [Part::Comment, Part::Retry];
    let stream = bytes(&[&start[..], &events(0..100)].concat(), "\n");
    let (streams, mut book) = (vec![stream; 50], book());
    let readers = read(&streams, &[], &mut book);
    assert_eq!(book.counts.deliveries, 5_000);
    assert_eq!(book.counts.decoded, 100);
    assert!(readers.iter().all(|reader| reader.event() == Some(100)));
}

/// A write ends wherever a socket was full, and so within an event for all.
#[test]
fn who_waits_for_the_rest_of_an_event_goes_back_to_the_track() {
    let stream = bytes(&[&[Part::Comment][..], &events(0..100)].concat(), "\n");
    let (streams, mut book) = (vec![stream.clone(); 50], book());
    let turns: Vec<_> =
        [1_000, 1_234, 3_000].iter().flat_map(|&size| (0..50).map(move |at| (at, size))).collect();
    read(&streams, &turns, &mut book);
    assert_eq!(book.counts.deliveries, 5_000);
    assert!(book.counts.decoded <= 100 + 3, "{}", book.counts.decoded);
}

#[test]
fn a_heartbeat_or_a_fault_costs_an_event_and_no_more() {
    let mut other = events(0..100);
    other.insert(80, Part::Comment);
    other.insert(60, Part::Event(59));
    other[40] = Part::Damaged(40);
    other.remove(20);
    let streams = [bytes(&events(0..100), "\n"), bytes(&other, "\n")];
    let mut book = book();
    let readers = read(&streams, &[], &mut book);
    let counts = book.counts;
    assert_eq!((counts.deliveries, counts.duplicated, counts.damaged), (198, 1, 1));
    assert_eq!(readers[1].owed().lost(100, &[]), 1);
    assert!(counts.decoded <= 100 + 6, "{}", counts.decoded);
}

#[test]
fn what_the_server_announces_or_refused_is_not_lost() {
    let parts = [&events(0..10)[..], &[Part::Gap(Some(3))], &events(13..20)].concat();
    let unknown = [&events(0..10)[..], &[Part::Gap(None)], &events(14..20)].concat();
    let silent = [&events(0..10)[..], &events(12..20)].concat();
    let streams = [parts, unknown, silent].map(|parts| bytes(&parts, "\n"));
    let readers = read(&streams, &[], &mut book());
    let lost = |reader: &Reader| reader.owed().lost(20, &[11, 12, 40]);
    assert_eq!(readers.iter().map(lost).collect::<Vec<_>>(), [0, 0, 1]);
    let has: Vec<_> = readers.iter().map(|reader| reader.owed().has(20, 0)).collect();
    assert_eq!(has, [true, true, false]);
}

#[test]
fn lines_may_end_with_cr_and_lf() {
    for end in ["\r\n", "\r"] {
        let stream = bytes(&[&[Part::Comment][..], &events(0..50)].concat(), end);
        let (streams, mut book) = (vec![stream; 20], book());
        read(&streams, &[], &mut book);
        assert_eq!(book.counts.deliveries, 1_000);
        let most = if end == "\r" { 1_000 } else { 100 };
        assert!(book.counts.decoded <= most, "{}", book.counts.decoded);
    }
}

#[test]
fn an_event_without_end_is_given_up() {
    let mut reader = Reader::new();
    let line = format!("note: {}\n", "x".repeat(1 << 20)).into_bytes();
    let mut book = book();
    assert!((0..40).any(|_| reader.read(&line, 0, &mut book).is_err()));
}

fn part() -> impl Strategy<Value = Part> {
    let gap = prop::option::of(0_u64..3).prop_map(Part::Gap);
    prop_oneof![
        (0_u64..40).prop_map(Part::Event),
        (0_u64..40).prop_map(Part::Damaged),
        (0_u64..40).prop_map(Part::Own),
        Just(Part::Comment),
        Just(Part::Retry),
        gap,
        Just(Part::Foreign),
    ]
}

/// All events in order, with a few parts in them, or a few of them missing.
fn stream() -> impl Strategy<Value = Vec<Part>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), part(), 0_usize..4), 0..8);
    changes.prop_map(|changes| {
        let mut parts = events(0..40);
        for (at, part, missing) in changes {
            let at = at.index(parts.len());
            let end = (at + missing).min(parts.len() - 1);
            parts.splice(at..end.max(at), [part]);
        }
        parts
    })
}

proptest! {
    #[test]
    fn comparing_counts_as_decoding_does(
        streams in prop::collection::vec((stream(), 0_usize..5), 1..6),
        turns in prop::collection::vec((0_usize..6, 1_usize..900), 0..150),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        // Some end within the last line.
        let streams: Vec<_> = streams
            .iter()
            .map(|(parts, missing)| {
                let bytes = bytes(parts, end);
                bytes[..bytes.len() - missing].to_vec()
            })
            .collect();
        let mut book = book();
        let readers = read(&streams, &turns, &mut book);
        prop_assert_eq!(found(&readers, &book), decoded(&streams));
    }

    #[test]
    fn slices_begin_with_as_many_equal_bytes_as_they_do(len in 0_usize..2_000, at in 0_usize..2_000, more in 0_usize..9) {
        let one = vec![b'x'; len];
        let mut other = vec![b'x'; len + more];
        other.get_mut(at).into_iter().for_each(|byte| *byte = b'y');
        prop_assert_eq!(common(&one, &other), len.min(at));
    }
}
