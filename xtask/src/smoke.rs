//! The first look that a user takes: the release binary and curl. One pass through the promises: deliver, resume,
//! end, drain, refuse a bad start. Depth is the matter of the other tests.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::background::{Background, Transcript};
use crate::invocation::Invocation;
use crate::server::Server;
use crate::step::Outcome;
use crate::workspace::Workspace;

/// For anything that takes milliseconds on an idle machine.
const SOON: Duration = Duration::from_secs(20);

/// Longer than the server's default drain, which must have ended all streams by itself before.
const DRAIN: Duration = Duration::from_secs(40);

/// What the shell conventions and sysexits(3) say about a mistyped flag and about a configuration that cannot work.
const EXIT_USAGE: i32 = 2;
const EXIT_CONFIGURATION: i32 = 78;

/// Each flag is well-formed, and together they contradict each other: a topic cannot be forgotten before its events.
const BAD_CONFIGURATION: &[&str] = &["--listen", "127.0.0.1:0", "--retain-age", "1h", "--forget-after", "1m"];

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let binary = workspace.release_server()?;
    refuses_a_mistyped_flag(workspace, &binary)?;
    refuses_a_bad_configuration(workspace, &binary)?;

    let server = Server::start(workspace, &binary)?;
    let first = delivers(workspace, &server)?;
    let last = resumes_and_ends(workspace, &server, &first)?;
    keeps_the_reader_of_an_ended_topic_away(workspace, &server, &last)?;
    drains(workspace, server)?;
    Ok(Outcome::Passed)
}

fn refuses_a_mistyped_flag(workspace: &Workspace, binary: &Path) -> Result<()> {
    refusal(workspace, binary, &["--no-such-flag"], EXIT_USAGE).map(drop)
}

fn refuses_a_bad_configuration(workspace: &Workspace, binary: &Path) -> Result<()> {
    let said = refusal(workspace, binary, BAD_CONFIGURATION, EXIT_CONFIGURATION)?;
    ensure!(said.lines().count() == 1, "a bad configuration takes one line on stderr, not {said:?}");
    Ok(())
}

/// Awaits that the server ends with this exit code. Returns what it wrote to stderr.
fn refusal(workspace: &Workspace, binary: &Path, flags: &[&str], code: i32) -> Result<String> {
    let mut command = Invocation::path(binary).args(flags.iter().copied()).command(workspace);
    let err = Transcript::default();
    let mut server = Background::record(&mut command, "server", &Transcript::default(), &err)?;
    let status = server.exit(SOON)?.with_context(|| format!("the server starts with {flags:?}"))?;
    ensure!(status.code() == Some(code), "{flags:?} must end with exit code {code}, not {status}");
    err.whole(SOON)
}

/// Returns the id of the event that has been delivered.
fn delivers(workspace: &Workspace, server: &Server) -> Result<String> {
    let url = server.url("/events/smoke");
    let reader = Reader::open(workspace, &url, None)?;
    let id = publish(workspace, &url, "first")?;
    reader.wait_for("data: first\n")?;
    reader.wait_for(&format!("id: {id}\n"))?;
    Ok(id)
}

/// Returns the id that the reader holds at the end of the topic.
fn resumes_and_ends(workspace: &Workspace, server: &Server, after: &str) -> Result<String> {
    let url = server.url("/events/smoke");
    publish(workspace, &url, "second")?;
    let mut reader = Reader::open(workspace, &url, Some(after))?;
    reader.wait_for("data: second\n")?;
    curl(workspace, &["--fail", "--request", "DELETE", &url])?;
    reader.wait_for("event: sse.end\n")?;
    reader.ends_cleanly(SOON)?;

    let seen = reader.seen.whole(SOON)?;
    ensure!(!seen.contains("data: first\n"), "an event that the reader had came again: {seen:?}");
    let id = seen.lines().rev().find_map(|line| line.strip_prefix("id: "));
    id.map(str::to_owned).with_context(|| format!("no id in {seen:?}"))
}

/// 204 is the one answer that makes `EventSource` stop asking.
fn keeps_the_reader_of_an_ended_topic_away(workspace: &Workspace, server: &Server, last: &str) -> Result<()> {
    let url = server.url("/events/smoke");
    let header = format!("Last-Event-ID: {last}");
    let status = curl(
        workspace,
        &["--output", "/dev/null", "--write-out", "%{http_code}", "--header", &header, &url],
    )?;
    ensure!(status == "204", "a reader who has seen the end of the topic gets {status}, not 204");
    Ok(())
}

fn drains(workspace: &Workspace, mut server: Server) -> Result<()> {
    let mut reader = Reader::open(workspace, &server.url("/events/drain"), None)?;
    server.terminate()?;
    reader.ends_cleanly(DRAIN)?;
    let Some(status) = server.exit(DRAIN)? else { bail!("the server still runs {DRAIN:?} after SIGTERM") };
    ensure!(status.success(), "the server ended with {status} after SIGTERM");
    Ok(())
}

/// A curl that holds a stream open.
#[derive(Debug)]
struct Reader {
    curl: Background,
    seen: Transcript,
}

impl Reader {
    /// Returns once the stream has begun: an event published from now on belongs to it.
    fn open(workspace: &Workspace, url: &str, last_event_id: Option<&str>) -> Result<Self> {
        let position = last_event_id.map(|id| ["--header".to_owned(), format!("Last-Event-ID: {id}")]);
        let mut command = Invocation::new("curl")
            .args(["--no-buffer", "--silent", "--show-error", "--fail", "--noproxy", "*"])
            .args(position.into_iter().flatten())
            .args([url])
            .command(workspace);
        let seen = Transcript::default();
        let curl = Background::record(&mut command, "reader", &seen, &Transcript::default())?;
        let reader = Self { curl, seen };
        reader.wait_for("retry: ")?;
        Ok(reader)
    }

    fn wait_for(&self, text: &str) -> Result<()> {
        self.seen.wait_for(&format!("{text:?}"), SOON, |seen| seen.contains(text).then_some(()))
    }

    /// curl exits with 0 only when the body was finished, and with 18 when the connection was cut.
    fn ends_cleanly(&mut self, limit: Duration) -> Result<()> {
        let Some(status) = self.curl.exit(limit)? else { bail!("the stream is still open after {limit:?}") };
        ensure!(status.success(), "the stream was cut: curl ended with {status}");
        Ok(())
    }
}

/// Returns the id of the event.
fn publish(workspace: &Workspace, url: &str, data: &str) -> Result<String> {
    let answer =
        curl(workspace, &["--fail", "--header", "Content-Type: text/plain", "--data-binary", data, url])?;
    id_of(&answer).map(str::to_owned).with_context(|| format!("no id in the answer {answer:?}"))
}

/// The id in `{"id":"…"}`. Ids hold no character that JSON would escape.
fn id_of(answer: &str) -> Option<&str> {
    let (_, rest) = answer.split_once("\"id\":\"")?;
    rest.split_once('"').map(|(id, _)| id)
}

fn curl(workspace: &Workspace, args: &[&str]) -> Result<String> {
    let limit = SOON.as_secs().to_string();
    let curl =
        Invocation::new("curl").args(["--silent", "--show-error", "--noproxy", "*", "--max-time", &limit]);
    curl.args(args.iter().copied()).output(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_id_in_an_answer() {
        assert_eq!(id_of(r#"{"id":"abcdefgh-1"}"#), Some("abcdefgh-1"));
        assert_eq!(id_of(r#"{"title":"Not Found"}"#), None);
    }
}
