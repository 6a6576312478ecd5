//! Waiting with an end: every wait of a test goes through here, so that none can hang.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep, timeout};

/// Longest wait for anything. Only a failure waits that long, so it is generous: a busy machine must not fail a test.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Pause between two looks at something that cannot be awaited, such as a variable in a web page.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Awaits `future`, at most for [`DEADLINE`]. `what` completes the sentence "waited in vain for".
///
/// # Errors
/// Those of `future`, and the deadline.
pub async fn within<T>(what: &str, future: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(DEADLINE, future).await.with_context(|| format!("waited in vain for {what}"))?
}

/// Asks `probe` again and again until it answers `Ok`, at most for [`DEADLINE`].
///
/// The probe's inner `Err` says what it found instead; the last one becomes part of the error.
///
/// # Errors
/// The outer error of `probe` at once, and the deadline.
pub async fn until<T>(what: &str, mut probe: impl AsyncFnMut() -> Result<Result<T, String>>) -> Result<T> {
    let end = Instant::now() + DEADLINE;
    loop {
        let found = match probe().await? {
            Ok(answer) => return Ok(answer),
            Err(found) => found,
        };
        if Instant::now() > end {
            bail!("waited in vain for {what}; found {found}");
        }
        sleep(LOOK_AGAIN).await;
    }
}
