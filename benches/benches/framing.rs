//! What a byte costs on its way into a frame and out of one.

#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sse_core::{Decoder, Event, Frame};

const LIMIT: usize = 64 << 20;

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    let lines = "a line of sixty-four bytes, with which the data is filled up....\n";
    for (name, data) in [("100B", benches::event().data().to_owned()), ("64KiB_lines", lines.repeat(1008))] {
        group.throughput(Throughput::Bytes(data.len() as u64));
        group.bench_function(name, |b| b.iter(|| Frame::encode(&Event::message(black_box(&data)))));
    }
    group.finish();
}

fn decode(c: &mut Criterion) {
    let id = "k3v9x0ab-1742".parse().expect("an id");
    let frame = Frame::encode(&benches::event()).to_bytes(Some(&id));
    let small = frame.repeat(1000);
    let mut group = c.benchmark_group("decode");
    for chunk in [16 * 1024, 1448, 7] {
        group.throughput(Throughput::Bytes(small.len() as u64));
        group.bench_with_input(BenchmarkId::new("100B_events_in_chunks_of", chunk), &chunk, |b, &chunk| {
            b.iter(|| decode_all(&small, chunk));
        });
    }
    // Twice the line must take twice the time: whoever looks at a line again with every chunk takes four times.
    for megabytes in [1, 2, 4] {
        let line = format!("data: {}\n\n", "x".repeat(megabytes << 20));
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_with_input(
            BenchmarkId::new("one_line_in_chunks_of_100B_MiB", megabytes),
            &line,
            |b, line| {
                b.iter(|| decode_all(line.as_bytes(), 100));
            },
        );
    }
    group.finish();
}

fn decode_all(bytes: &[u8], chunk: usize) -> usize {
    let mut decoder = Decoder::new(LIMIT);
    let mut items = 0;
    for mut chunk in black_box(bytes).chunks(chunk) {
        while let Some(item) = decoder.next(&mut chunk).expect("below the limit") {
            black_box(&item);
            items += 1;
        }
    }
    items
}

criterion_group!(framing, encode, decode);
criterion_main!(framing);
