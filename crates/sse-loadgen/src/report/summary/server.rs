//! The server's part of a report.

use serde::{Deserialize, Serialize};

/// What it cost the server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ServerCost {
    /// The processes watched.
    pub pids: Vec<i32>,
    /// CPU time while it was measured.
    pub cpu_ns: u64,
    /// What of it was spent in the program.
    pub cpu_user_ns: Option<u64>,
    /// And in the kernel, in system calls of the program.
    pub cpu_system_ns: Option<u64>,
    /// All of it over deliveries.
    pub cpu_ns_per_delivery: Option<f64>,
    /// The program's part of that.
    pub cpu_user_ns_per_delivery: Option<f64>,
    /// The kernel's part of that.
    pub cpu_system_ns_per_delivery: Option<f64>,
    /// CPU time from before the first client until all had connected, over clients.
    pub cpu_ns_per_connection: Option<f64>,
    /// CPU time while it was measured, over time: 1 is one core.
    pub cores: f64,
    /// Anonymous memory before the first client.
    pub memory_before_bytes: u64,
    /// And with all of them.
    pub memory_bytes: u64,
    /// The difference over clients.
    pub memory_per_client: Option<f64>,
    /// All of its memory (RSS) with all clients: with code, and pages that are shared.
    #[serde(default)]
    pub rss_bytes: u64,
    /// The most that it ever was.
    #[serde(default)]
    pub rss_peak_bytes: u64,
    /// How much it had grown over clients.
    pub rss_per_client: Option<f64>,
    /// How much the kernel's memory on this machine had grown when all had connected, over clients: of both ends of a
    /// connection, if the tester is on the same machine, and of whatever else went on there.
    pub kernel_per_client: Option<f64>,
    /// Its objects' part of that (`Slab`).
    pub kernel_slab_per_client: Option<f64>,
    /// The part of the buffers of TCP sockets.
    pub kernel_sockets_per_client: Option<f64>,
    /// Before the first client.
    pub descriptors_before: u64,
    /// With all clients.
    pub descriptors: u64,
    /// When all clients had gone.
    pub descriptors_after: u64,
    /// What went wrong with watching, or with the server.
    pub notes: Vec<String>,
}
