//! Everything that a report is made of, as it was when the run was over.

use std::time::SystemTime;

use super::observed::Observed;
use crate::host::{HostCounters, Limits};
use crate::latency::Latency;
use crate::load::Load;
use crate::plan::Plan;
use crate::publisher::Published;
use crate::record::Record;
use crate::report::summary::Phase;
use crate::watch::Points;
use crate::worker::orders::Settled;

/// See the module.
pub(super) struct Gathered<'a> {
    pub(super) load: &'a Load,
    pub(super) plan: Plan,
    pub(super) limits: Limits,
    pub(super) shared_with_target: bool,
    pub(super) run: u32,
    pub(super) started: SystemTime,
    pub(super) phases: Vec<Phase>,
    pub(super) interrupted: bool,
    pub(super) ready: u64,
    pub(super) held: u64,
    pub(super) record: Record,
    pub(super) workers: Vec<Settled>,
    pub(super) lost_workers: usize,
    pub(super) published: Option<Published>,
    pub(super) observed: Observed,
    pub(super) measured_for: u64,
    pub(super) cost: Option<(Points, Vec<i32>)>,
    pub(super) host: HostCounters,
    pub(super) hiccups: Latency,
}
