//! What a publish costs, and what a delivery costs on top of the write.

#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::{audience, event, settle, topic};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sse_core::Position;

/// A publish by itself: the readers' segment is marked and does not come. It must not depend on their number.
fn publish(c: &mut Criterion) {
    let mut group = c.benchmark_group("publish");
    for (topics, readers) in [(1, 0), (1, 1), (1, 10_000), (10_000, 1)] {
        let (broadcaster, _segment) = audience(topics, readers);
        let (topic, event) = (topic(0), event());
        let id = BenchmarkId::new("topics_x_readers", format!("{topics}x{readers}"));
        group.bench_function(id, |b| b.iter(|| black_box(broadcaster.publish(&topic, &event))));
    }
    group.finish();
}

/// One event to everybody: marking, the sweep in slices, the shared run. Per delivery.
fn sweep(c: &mut Criterion) {
    let mut group = c.benchmark_group("sweep");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    for readers in [1, 1000, 100_000] {
        let (broadcaster, segment) = audience(1, readers);
        let (topic, event) = (topic(0), event());
        group.throughput(Throughput::Elements(readers as u64));
        group.bench_function(BenchmarkId::new("1_topic_x_readers", readers), |b| {
            b.iter_custom(|rounds| {
                timed(rounds, || assert!(broadcaster.publish(&topic, &event).is_ok()), || settle(&segment))
            });
        });
    }
    let (broadcaster, segment) = audience(100_000, 1);
    let topics: Vec<_> = (0..100_000).map(topic).collect();
    group.throughput(Throughput::Elements(topics.len() as u64));
    group.bench_function("100000_topics_x_1_reader", |b| {
        b.iter_custom(|rounds| {
            let publish =
                || topics.iter().for_each(|topic| assert!(broadcaster.publish(topic, &event()).is_ok()));
            timed(rounds, publish, || settle(&segment))
        });
    });
    // A hundred events since the last sweep are one run for each reader.
    let (broadcaster, segment) = audience(1, 1000);
    let (topic, event) = (topic(0), event());
    group.throughput(Throughput::Elements(100 * 1000));
    group.bench_function("100_events_in_one_sweep_x_1000_readers", |b| {
        b.iter_custom(|rounds| {
            let publish = || (0..100).for_each(|_| assert!(broadcaster.publish(&topic, &event).is_ok()));
            timed(rounds, publish, || settle(&segment))
        });
    });
    group.finish();
}

/// How long `work` takes, with `prepare` before it each time.
fn timed(rounds: u64, mut prepare: impl FnMut(), mut work: impl FnMut()) -> Duration {
    (0..rounds)
        .map(|_| {
            prepare();
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .sum()
}

/// Coming and going, in a topic with many others.
fn subscribe(c: &mut Criterion) {
    let (_broadcaster, segment) = audience(1, 10_000);
    let topic = topic(0);
    c.bench_function("subscribe_and_drop_among_10000", |b| {
        b.iter(|| segment.subscribe([topic.clone()], Position::Now).expect("it names a topic"));
    });
}

criterion_group!(broadcast, publish, sweep, subscribe);
criterion_main!(broadcast);
