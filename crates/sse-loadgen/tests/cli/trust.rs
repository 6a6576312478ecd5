//! Gates, and whether the tester was fit to measure.

use std::process::{Child, Command, Stdio};

use sse_loadgen::report::summary::Verdict;
use sse_loadgen::serve::Faults;

use crate::program::{Run, quick};
use crate::server::TestServer;

#[test]
fn a_condition_that_holds_fails_the_run() {
    let server = TestServer::faulty(Faults { drop: 0.2, ..Faults::default() });
    let load = "--clients 10 --rate 50 --duration 500ms --drain 1s";
    let outcome = quick(&format!("{} {load} --fail lost>0 --fail delivery.duplicated>0", server.topic()));
    let summary = outcome.summary.unwrap();
    let passed: Vec<_> = summary.gates.iter().map(|gate| gate.pass).collect();
    assert_eq!(passed, [false, true]);
    let saturated = summary.client_health.verdict == Verdict::Saturated;
    assert_eq!(outcome.code, Some(if saturated { 4 } else { 3 }));
}

/// Runs for ever, until dropped.
struct Busy(Vec<Child>);

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// On the first core that this process may use.
fn pinned(program: &str) -> Command {
    let cores = rustix::thread::sched_getaffinity(None).unwrap();
    let core = (0..1024).find(|&core| cores.is_set(core)).unwrap();
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

#[test]
fn who_is_starved_knows_it() {
    let busy = |_| {
        let mut command = pinned("sh");
        command.args(["-c", "while :; do :; done"]).stdout(Stdio::null()).spawn().unwrap()
    };
    // Its fair share is an eighth of the core, and it needs a multiple of that.
    let _busy = Busy((0..7).map(busy).collect());
    let server = TestServer::clean();
    let mut command = pinned(env!("CARGO_BIN_EXE_sse-loadgen"));
    let load = "--clients 200 --rate 150 --duration 3s --warmup 500ms --settle 0s --quiet";
    command.args(format!("{} {load}", server.topic()).split_whitespace());
    let outcome = Run::of(command).finish();
    let health = outcome.summary.unwrap().client_health;
    assert_eq!(health.verdict, Verdict::Saturated, "{health:?}");
    assert_eq!(outcome.code, Some(4), "{}", outcome.table);
}
