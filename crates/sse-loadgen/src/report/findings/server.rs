//! What the server refused, and what it kept.

use super::{Rule, warning};
use crate::report::reading::reasons;
use crate::report::summary::{Finding, Summary};
use crate::report::units::{count, count_of};

pub(super) const RULES: &[Rule] = &[publish_rejected, publish_unknown, leak];

fn publish_rejected(summary: &Summary) -> Option<Finding> {
    let publish = summary.publish.as_ref().filter(|publish| publish.rejected > 0)?;
    let why = reasons(&publish.errors);
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    let (rejected, sent) = (count(publish.rejected), count(publish.sent));
    warning(
        "PUBLISH_REJECTED",
        format!("The server refused {rejected} of {sent} events{why}: nobody is to have them."),
    )
}

fn publish_unknown(summary: &Summary) -> Option<Finding> {
    let publish = summary.publish.as_ref().filter(|publish| publish.unknown > 0)?;
    let (unknown, sent) = (count(publish.unknown), count(publish.sent));
    warning(
        "PUBLISH_UNKNOWN",
        format!("No answer came for {unknown} of {sent} events: whether they are lost cannot be told."),
    )
}

fn leak(summary: &Summary) -> Option<Finding> {
    /// Connections that a server may well keep for a while: those of publishers, of monitoring.
    const TOLERATED: u64 = 16;
    let server = summary.server.as_ref()?;
    let left = server.descriptors_after.saturating_sub(server.descriptors_before);
    if left <= TOLERATED {
        return None;
    }
    let (left, before) = (count(left), count_of(server.descriptors_before, "descriptor"));
    warning(
        "LEAK",
        format!("When all clients had gone the server had {left} more descriptors than before ({before})."),
    )
}
