//! The binary as its user and its orchestrator see it: output, signals, exit status.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes on the slowest machine.
const BOUND: Duration = Duration::from_secs(20);

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse-server"));
    command.args(flags).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(flags: &[&str]) -> Output {
    command(flags).output().unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// A running server, ended at the latest when the value is dropped.
struct Running {
    child: Child,
    first_line: String,
}

impl Running {
    fn start(flags: &[&str]) -> Self {
        let mut child =
            command(&[&["--listen", "127.0.0.1:0", "--workers", "1"], flags].concat()).spawn().unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first_line).unwrap();
        Self { child, first_line }
    }

    fn address(&self) -> &str {
        let (_, rest) = self.first_line.split_once("http://").unwrap();
        rest.split_whitespace().next().unwrap()
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address()).unwrap();
        client.set_read_timeout(Some(BOUND)).unwrap();
        client
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_first_line_says_where_it_listens() {
    let server = Running::start(&[]);
    let expected = format!("sse-server {} listening on http://127.0.0.1:", env!("CARGO_PKG_VERSION"));
    assert!(server.first_line.starts_with(&expected), "{}", server.first_line);
    assert!(server.first_line.ends_with("(1 worker)\n"), "{}", server.first_line);

    let mut client = server.connect();
    client.write_all(b"GET /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("/problems/not-found"), "{answer}");
}

#[test]
fn either_signal_ends_it_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Running::start(&[]);
        server.signal(signal);
        assert_eq!(server.exit_code(), Some(0));
    }
}

#[test]
fn a_second_signal_does_not_wait_for_streams() {
    let server = Running::start(&["--drain", "1h"]);
    let mut client = server.connect();
    client.write_all(b"GET /events/a HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    client.read_exact(&mut [0; 16]).unwrap();

    server.signal(Signal::TERM);
    // The port is closed once the first signal has been seen, so that the second is one.
    while TcpStream::connect(server.address()).is_ok() {
        std::thread::yield_now();
    }
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_contradiction_is_one_line_and_78() {
    let output = output(&["--retain-bytes", "64KiB"]);
    assert_eq!(output.status.code(), Some(78));
    let line = "sse-server: retain-bytes (64KiB) is less than max-event (1MiB)";
    assert!(stderr(&output).starts_with(line), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1);
    assert!(output.stdout.is_empty());
}

#[test]
fn an_open_address_needs_a_flag_that_the_error_names() {
    let refused = output(&["--listen", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(stderr(&refused).contains("allow-anonymous-remote"), "{}", stderr(&refused));
    let refused = output(&["--listen", "127.0.0.1:0", "--operations", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(stderr(&refused).contains("allow-remote-operations"), "{}", stderr(&refused));
}

#[test]
fn a_malformed_flag_is_2() {
    let output = output(&["--heartbeat", "often"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--heartbeat"), "{}", stderr(&output));
}

#[test]
fn a_key_that_cannot_be_used_is_one_line_and_78() {
    let missing = output(&["--jwt-key", "hs256:/nowhere/secret"]);
    assert_eq!(missing.status.code(), Some(78));
    let line = "sse-server: jwt-key hs256:/nowhere/secret: cannot read the file";
    assert!(stderr(&missing).starts_with(line), "{}", stderr(&missing));
    assert_eq!(stderr(&missing).lines().count(), 1);

    let short = command(&["--jwt-key", "hs256:env:KEY"]).env("KEY", "hunter2").output().unwrap();
    assert_eq!(short.status.code(), Some(78));
    assert!(stderr(&short).contains("at least 32 bytes"), "{}", stderr(&short));
    assert!(!stderr(&short).contains("hunter2"), "{}", stderr(&short));
}

#[test]
fn a_key_out_of_the_environment_opens_the_server_to_others() {
    let mut child = command(&["--listen", "0.0.0.0:0"])
        .env("SSE_JWT_KEY", "hs256:env:KEY")
        .env("KEY", "0123456789abcdef0123456789abcdef")
        .spawn()
        .unwrap();
    let mut first_line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first_line).unwrap();
    let server = Running { child, first_line };
    assert!(server.first_line.contains("listening on"), "{}", server.first_line);
}

#[test]
fn no_token_is_ever_logged() {
    let mut child = command(&["--listen", "127.0.0.1:0", "--workers", "1", "--allow-token-in-url"])
        .args(["--log", "trace,actix_http=trace,actix_web=trace,actix_http::h1=trace", "--drain", "0s"])
        .env("SSE_JWT_KEY", "hs256:env:KEY")
        .env("KEY", "0123456789abcdef0123456789abcdef")
        .spawn()
        .unwrap();
    let mut first_line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first_line).unwrap();
    let mut log = child.stderr.take().unwrap();
    let written = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    });
    let server = Running { child, first_line };
    for head in [
        "GET /events/a?access_token=hunter2 HTTP/1.1\r\n",
        "GET /events/a HTTP/1.1\r\nauthorization: Bearer hunter2\r\n",
        "GET /events/a HTTP/1.1\r\ncookie: mercureAuthorization=hunter2\r\n",
        "POST /events/a?access_token=hunter2 HTTP/1.1\r\ncontent-length: 0\r\n",
    ] {
        let mut client = server.connect();
        client.write_all(format!("{head}host: a\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 ") && !answer.contains("hunter2"), "{answer}");
    }
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code(), Some(0));
    let log = written.join().unwrap();
    assert!(log.contains("/events/a") && log.contains("401"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_one_line_and_78() {
    let output = output(&["--tls-cert", "/nowhere/cert.pem", "--tls-key", "/nowhere/key.pem"]);
    assert_eq!(output.status.code(), Some(78));
    let line = "sse-server: tls-cert /nowhere/cert.pem: cannot read the file";
    assert!(stderr(&output).starts_with(line), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1);
}

#[test]
fn a_hangup_has_the_certificate_read_anew_and_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let of_tls = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];

    for (flags, spoil, expected) in [
        (&[][..], false, "nothing to read anew"),
        (&of_tls[..], false, "new connections get the certificate as it is now"),
        (&of_tls[..], true, "the certificate stays as it was"),
    ] {
        let mut server = Running::start(flags);
        let scheme = if flags.is_empty() { "http://" } else { "https://" };
        assert!(server.first_line.contains(scheme), "{}", server.first_line);
        if spoil {
            std::fs::write(&certificate, "").unwrap();
        }
        let mut log = BufReader::new(server.child.stderr.take().unwrap()).lines();
        server.signal(Signal::HUP);
        let line = log.find(|line| line.as_ref().unwrap().contains("SIGHUP")).unwrap().unwrap();
        assert!(line.contains(expected), "{line}");
        server.signal(Signal::TERM);
        assert_eq!(server.exit_code(), Some(0));
    }
}

#[test]
fn an_address_in_use_is_71() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let output = output(&["--listen", &address]);
    assert_eq!(output.status.code(), Some(71));
    assert!(stderr(&output).contains(&address) && stderr(&output).contains("in use"), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1);
}

#[test]
fn variables_stand_in_for_flags() {
    let output = command(&[]).env("SSE_RETAIN_BYTES", "1KiB").output().unwrap();
    assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
}
