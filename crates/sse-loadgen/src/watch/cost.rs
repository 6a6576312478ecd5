//! What the server cost in a run, from a few samples.

use serde::Serialize;

use super::{Ended, Sample};

/// The samples that a cost is computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Points {
    /// Before the first client.
    pub baseline: Sample,
    /// When the measured time began: all clients are there, and settled.
    pub start: Sample,
    /// When the measured time ended.
    pub end: Sample,
    /// When all clients were gone; none if nobody waited for it.
    pub after: Option<Sample>,
}

/// The server's cost. What a process that ended would make meaningless is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Bytes of heap and stacks for each client: the growth from the baseline to the start. The kernel's memory for
    /// the socket comes on top. Negative if the server gave back more than the clients took.
    pub bytes_per_connection: Option<f64>,
    /// Nanoseconds on a core for each delivery in the measured time; all that the server did then is in it,
    /// heartbeats and publishes too.
    pub cpu_ns_per_delivery: Option<f64>,
    /// How many cores were busy with it, on average over the measured time.
    pub cores_used: Option<f64>,
    /// Descriptors that were still open after all clients were gone, and were not at the baseline.
    pub leaked_descriptors: Option<u64>,
    /// Processes of the server that ended during the run.
    pub ended: Vec<Ended>,
    /// The samples themselves.
    pub points: Points,
}

impl Cost {
    /// What so many clients and deliveries in the measured time cost.
    #[must_use]
    pub fn of(points: Points, clients: u64, deliveries: u64) -> Self {
        let Points { baseline, start, end, after } = &points;
        let all_lived = |from: &Sample, to: &Sample| from.ended == to.ended;
        let cpu = end.cpu_ns.saturating_sub(start.cpu_ns) as f64;
        let grown = start.anon_bytes as f64 - baseline.anon_bytes as f64;
        let elapsed = end.at.saturating_sub(start.at);
        Self {
            bytes_per_connection: ratio(grown, clients).filter(|_| all_lived(baseline, start)),
            cpu_ns_per_delivery: ratio(cpu, deliveries).filter(|_| all_lived(start, end)),
            cores_used: ratio(cpu, elapsed).filter(|_| all_lived(start, end)),
            leaked_descriptors: after
                .as_ref()
                .filter(|after| all_lived(baseline, after))
                .map(|after| after.descriptors.saturating_sub(baseline.descriptors)),
            ended: after.as_ref().unwrap_or(end).ended.clone(),
            points,
        }
    }
}

fn ratio(sum: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn points() -> Points {
        let baseline = Sample { anon_bytes: 5 << 20, descriptors: 12, cpu_ns: 7, ..Sample::default() };
        let ready = Sample { anon_bytes: 15 << 20, descriptors: 10_012, ..baseline.clone() };
        Points {
            start: Sample { at: 10 * SECOND, cpu_ns: 2 * SECOND, ..ready.clone() },
            end: Sample { at: 20 * SECOND, cpu_ns: 7 * SECOND, ..ready },
            after: Some(Sample { descriptors: 15, ..baseline.clone() }),
            baseline,
        }
    }

    #[test]
    fn cost_is_per_client_and_per_delivery() {
        let cost = Cost::of(points(), 10_000, 1_000_000);
        assert_eq!(cost.bytes_per_connection, Some(1048.576));
        assert_eq!(cost.cpu_ns_per_delivery, Some(5_000.0));
        assert_eq!(cost.cores_used, Some(0.5));
        assert_eq!(cost.leaked_descriptors, Some(3));
        assert_eq!(cost.ended, []);
    }

    #[test]
    fn nothing_delivered_is_no_division() {
        let cost = Cost::of(points(), 0, 0);
        assert_eq!((cost.bytes_per_connection, cost.cpu_ns_per_delivery), (None, None));
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
}
