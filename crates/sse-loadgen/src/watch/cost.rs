//! What the server cost in a run, from a few samples.

use serde::Serialize;

use super::{Ended, Sample};
use crate::host::KernelMemory;

/// The samples that a cost is computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Points {
    /// Before the first client.
    pub baseline: Sample,
    /// When all clients had connected, and how many these were; none if they come and go throughout.
    pub connected: Option<Connected>,
    /// When the measured time began: all clients are there, and settled.
    pub start: Sample,
    /// When the measured time ended.
    pub end: Sample,
    /// When all clients were gone; none if nobody waited for it.
    pub after: Option<Sample>,
}

/// The end of the ramp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connected {
    /// The server's processes then.
    pub sample: Sample,
    /// Clients with a stream.
    pub clients: u64,
    /// The kernel's memory before the first client and then; none if the kernel does not tell.
    pub kernel: Option<[KernelMemory; 2]>,
}

/// The server's cost. What a process that ended would make meaningless is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Bytes of heap and stacks for each client: the growth from the baseline to the start. The kernel's memory for
    /// the socket comes on top. Negative if the server gave back more than the clients took.
    pub bytes_per_connection: Option<f64>,
    /// The same of all memory (RSS), pages that are shared with it.
    pub rss_per_connection: Option<f64>,
    /// The most that was ever in memory until the end, of all processes added up, though each may have had its most at
    /// another time.
    pub peak_rss_bytes: u64,
    /// The kernel's memory for each connection, on this machine.
    pub kernel: Option<KernelPerConnection>,
    /// Nanoseconds on a core for each client that connected: accepting, reading the request, answering it.
    pub cpu_ns_per_connection: Option<f64>,
    /// CPU time in the measured time.
    pub cpu: Cpu<u64>,
    /// Nanoseconds on a core for each delivery in the measured time; all that the server did then is in it,
    /// heartbeats and publishes too.
    pub cpu_ns_per_delivery: Option<Cpu<f64>>,
    /// How many cores were busy with it, on average over the measured time.
    pub cores_used: Option<f64>,
    /// Descriptors that were still open after all clients were gone, and were not at the baseline.
    pub leaked_descriptors: Option<u64>,
    /// Processes of the server that ended during the run.
    pub ended: Vec<Ended>,
    /// The samples themselves.
    pub points: Points,
}

/// CPU time in nanoseconds, and which part of it was spent where: the kernel tells the parts by the tick, by which the
/// exact sum is divided. None where no tick was counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cpu<T> {
    /// All of it.
    pub all: T,
    /// In the program, and in system calls that it made.
    pub user_and_system: Option<[T; 2]>,
}

/// Bytes, of the whole machine: if both ends of a connection are on it, of both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KernelPerConnection {
    /// Objects.
    pub slab: f64,
    /// Buffers of sockets.
    pub sockets: f64,
}

impl Cost {
    /// What so many clients and deliveries in the measured time cost.
    #[must_use]
    pub fn of(points: Points, clients: u64, deliveries: u64) -> Self {
        let Points { baseline, connected, start, end, after } = &points;
        let all_lived = |from: &Sample, to: &Sample| from.ended == to.ended;
        let cpu = end.cpu_ns.saturating_sub(start.cpu_ns);
        let user = user_share(start, end);
        let grown = |of: fn(&Sample) -> u64| {
            ratio(difference(of(baseline), of(start)), clients).filter(|_| all_lived(baseline, start))
        };
        let elapsed = end.at.saturating_sub(start.at);
        Self {
            bytes_per_connection: grown(|sample| sample.anon_bytes),
            rss_per_connection: grown(|sample| sample.rss_bytes),
            peak_rss_bytes: [baseline, start, end]
                .map(|sample| sample.peak_rss_bytes)
                .into_iter()
                .max()
                .unwrap_or(0),
            kernel: connected.as_ref().and_then(Connected::kernel_per_connection),
            cpu_ns_per_connection: connected.as_ref().and_then(|connected| {
                let cpu = connected.sample.cpu_ns.saturating_sub(baseline.cpu_ns);
                ratio(cpu as f64, connected.clients).filter(|_| all_lived(baseline, &connected.sample))
            }),
            cpu: Cpu {
                all: cpu,
                user_and_system: user.map(|share| {
                    let user = (cpu as f64 * share) as u64;
                    [user, cpu - user]
                }),
            },
            cpu_ns_per_delivery: ratio(cpu as f64, deliveries).filter(|_| all_lived(start, end)).map(|all| {
                Cpu { all, user_and_system: user.map(|share| [all * share, all * (1.0 - share)]) }
            }),
            cores_used: ratio(cpu as f64, elapsed).filter(|_| all_lived(start, end)),
            leaked_descriptors: after
                .as_ref()
                .filter(|after| all_lived(baseline, after))
                .map(|after| after.descriptors.saturating_sub(baseline.descriptors)),
            ended: after.as_ref().unwrap_or(end).ended.clone(),
            points,
        }
    }
}

impl Connected {
    fn kernel_per_connection(&self) -> Option<KernelPerConnection> {
        let [before, then] = self.kernel?;
        let grown = |of: fn(&KernelMemory) -> u64| ratio(difference(of(&before), of(&then)), self.clients);
        Some(KernelPerConnection {
            slab: grown(|memory| memory.slab_bytes)?,
            sockets: grown(|memory| memory.sockets_bytes)?,
        })
    }
}

impl KernelPerConnection {
    /// Both together.
    #[must_use]
    pub fn all(&self) -> f64 {
        self.slab + self.sockets
    }
}

/// What part of the CPU time was the program's own.
fn user_share(from: &Sample, to: &Sample) -> Option<f64> {
    let user = to.user_ns.saturating_sub(from.user_ns);
    ratio(user as f64, user + to.system_ns.saturating_sub(from.system_ns))
}

fn difference(before: u64, then: u64) -> f64 {
    then as f64 - before as f64
}

fn ratio(sum: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests;
