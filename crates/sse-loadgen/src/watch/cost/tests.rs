//! What comes of the samples, divided and left out.

use super::*;

const SECOND: u64 = 1_000_000_000;

fn points() -> Points {
    let baseline = Sample {
        anon_bytes: 5 << 20,
        rss_bytes: 8 << 20,
        peak_rss_bytes: 9 << 20,
        descriptors: 12,
        cpu_ns: 7,
        ..Sample::default()
    };
    let ready = Sample {
        anon_bytes: 15 << 20,
        rss_bytes: 28 << 20,
        peak_rss_bytes: 30 << 20,
        descriptors: 10_012,
        ..baseline.clone()
    };
    let kernel = [(1 << 30, 1 << 20), ((1 << 30) + 90_000_000, (1 << 20) - 1_000_000)]
        .map(|(slab_bytes, sockets_bytes)| KernelMemory { slab_bytes, sockets_bytes });
    let ramp = Sample { cpu_ns: SECOND / 2 + 7, ..ready.clone() };
    Points {
        connected: Some(Connected { sample: ramp, clients: 10_000, kernel: Some(kernel) }),
        start: Sample { at: 10 * SECOND, cpu_ns: 2 * SECOND, user_ns: 50, system_ns: 70, ..ready.clone() },
        end: Sample { at: 20 * SECOND, cpu_ns: 7 * SECOND, user_ns: 51, system_ns: 73, ..ready },
        after: Some(Sample { descriptors: 15, ..baseline.clone() }),
        baseline,
    }
}

#[test]
fn cost_is_per_client_and_per_delivery() {
    let cost = Cost::of(points(), 10_000, 1_000_000);
    assert_eq!((cost.bytes_per_connection, cost.rss_per_connection), (Some(1048.576), Some(2097.152)));
    assert_eq!(cost.peak_rss_bytes, 30 << 20);
    assert_eq!(cost.cpu_ns_per_connection, Some(50_000.0));
    assert_eq!(cost.cores_used, Some(0.5));
    assert_eq!(cost.leaked_descriptors, Some(3));
    assert_eq!(cost.ended, []);
}

#[test]
fn the_ticks_divide_the_exact_sum() {
    let cost = Cost::of(points(), 10_000, 1_000_000);
    let parts = Some([SECOND * 5 / 4, SECOND * 15 / 4]);
    assert_eq!(cost.cpu, Cpu { all: 5 * SECOND, user_and_system: parts });
    let each = Cpu { all: 5_000.0, user_and_system: Some([1_250.0, 3_750.0]) };
    assert_eq!(cost.cpu_ns_per_delivery, Some(each));
    let mut points = points();
    (points.end.user_ns, points.end.system_ns) = (50, 70);
    assert_eq!(Cost::of(points, 1, 1).cpu.user_and_system, None, "no tick, no parts");
}

#[test]
fn the_kernels_memory_may_grow_here_and_shrink_there() {
    let kernel = Cost::of(points(), 10_000, 1).kernel.unwrap();
    assert_eq!((kernel.slab, kernel.sockets, kernel.all()), (9_000.0, -100.0, 8_900.0));
    let mut points = points();
    points.connected.as_mut().unwrap().kernel = None;
    assert_eq!(Cost::of(points.clone(), 10_000, 1).kernel, None);
    points.connected = None;
    let cost = Cost::of(points, 10_000, 1);
    assert_eq!((cost.kernel, cost.cpu_ns_per_connection), (None, None));
}

#[test]
fn nothing_delivered_is_no_division() {
    let mut points = points();
    points.connected.as_mut().unwrap().clients = 0;
    let cost = Cost::of(points, 0, 0);
    assert_eq!((cost.bytes_per_connection, cost.rss_per_connection), (None, None));
    assert_eq!((cost.cpu_ns_per_delivery, cost.cpu_ns_per_connection, cost.kernel), (None, None, None));
    assert_eq!(cost.cores_used, Some(0.5));
}

#[test]
fn a_server_that_ended_has_no_leak_but_is_named() {
    let mut points = points();
    let ended = vec![Ended { pid: 42, at: 15 * SECOND }];
    points.end.ended.clone_from(&ended);
    points.after = Some(Sample { ended: ended.clone(), ..Sample::default() });

    let cost = Cost::of(points, 10_000, 1_000_000);

    assert_eq!(cost.bytes_per_connection, Some(1048.576));
    assert_eq!((cost.cpu_ns_per_delivery, cost.cores_used, cost.leaked_descriptors), (None, None, None));
    assert_eq!(cost.ended, ended);
}
