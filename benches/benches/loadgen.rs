//! What the load tester does for every event that a client reads, piece by piece; all of it in one go is the matter of
//! `loadgen_floor`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sse_loadgen::account::{Account, Measuring, Moment, Recorder, Rules};
use sse_loadgen::ledger::Ledger;
use sse_loadgen::schedule::Schedule;
use sse_loadgen::stamp::Stamp;

fn stamp(sequence: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Stamp { run: 0xBEEF, topic: 0, sequence, planned: 1_000_000 * sequence }.write(128, &mut out);
    out
}

fn find(c: &mut Criterion) {
    let data = stamp(42);
    let mut group = c.benchmark_group("stamp");
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("find_128B", |b| b.iter(|| Stamp::find(black_box(&data))));
    group.finish();
}

fn arrived(c: &mut Criterion) {
    let mut group = c.benchmark_group("ledger");
    group.bench_function("arrived_in_order", |b| {
        let (mut ledger, mut sequence) = (Ledger::from(0), 0);
        b.iter(|| {
            sequence += 1;
            ledger.arrived(black_box(sequence - 1))
        });
    });
    group.finish();
}

/// One event to each of a thousand clients, as a broadcast comes.
fn event(c: &mut Criterion) {
    const CLIENTS: u32 = 1_000;
    let schedule = Schedule::new(0xBEEF, 0, 1, 1_000.0).expect("a rate");
    let rules = Rules {
        late: 1_000_000_000,
        gap_event: "sse.gap".to_owned(),
        clients: CLIENTS,
        answers: false,
        in_order: true,
    };
    let mut recorder = Recorder::new(rules);
    recorder.measure(Measuring { schedule: Some(schedule), from: 0, to: u64::MAX });
    let mut accounts: Vec<_> = (0..CLIENTS).map(|client| Account::new(client, 0)).collect();
    for account in &mut accounts {
        recorder.attempt(account, 0);
        recorder.opened(account, false, 0);
    }
    let mut sequence = 0;
    let mut group = c.benchmark_group("recorder");
    group.throughput(Throughput::Elements(CLIENTS.into()));
    group.bench_function("event_to_1000_clients", |b| {
        b.iter(|| {
            let data = String::from_utf8(stamp(sequence)).expect("a stamp is text");
            let at = Moment { read: 1_000_000 * sequence + 5_000_000, arrived: None };
            for account in &mut accounts {
                recorder.event(account, "message", black_box(&data), "k3v9x0ab-1742", at);
            }
            sequence += 1;
        });
    });
    group.finish();
}

criterion_group!(loadgen, find, arrived, event);
criterion_main!(loadgen);
