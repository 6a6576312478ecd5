//! Tests of the diagnosis: each limit by itself, and what is printed.

use std::net::SocketAddr;

use super::*;
use crate::host::{Conntrack, OpenFiles, Ports};

/// A machine that could hold many times as many clients as any test has.
fn roomy() -> Limits {
    Limits {
        cores: 2,
        open_files: OpenFiles { soft: Some(1024), hard: Some(20_000) },
        files_max: Some(10_000_000),
        ports: Some(Ports { first: 32_768, last: 60_999, reserved: 0 }),
        accept_queue: Some(4096),
        syn_backlog: Some(2048),
        tcp_buffers: Some(2 << 30),
        conntrack: Some(Conntrack { max: 262_144, count: 5 }),
        pids: Some(4000),
        memory: None,
        memory_available: Some(20 << 30),
        kernel: None,
    }
}

fn at(address: &str) -> Situation {
    let address: SocketAddr = address.parse().unwrap();
    let shared = address.ip().is_loopback();
    Situation { targets: vec![vec![address]], shared, ..Situation::default() }
}

fn here() -> Situation {
    let servers = vec![Server { pid: 42, open_files: None, open: 24 }];
    Situation { servers, ..at("127.0.0.1:8080") }
}

fn check(diagnosis: &Diagnosis, name: &str) -> Check {
    diagnosis.checks.iter().find(|check| check.name == name).unwrap().clone()
}

#[test]
fn a_roomy_machine_has_nothing_to_fix() {
    let diagnosis = examine(60_000, &here(), roomy()).unwrap();
    assert!(diagnosis.possible);
    assert_eq!((diagnosis.workers, diagnosis.pairs), (Some(4), Some(4)));
    assert_eq!(diagnosis.checks.len(), 10);
    for check in &diagnosis.checks {
        assert_eq!((check.verdict, &check.fix), (Verdict::Ok, &None), "{}: {}", check.name, check.said);
    }
}

/// Every limit, too low by itself, is found by its check and by no other.
#[test]
fn each_limit_is_found_and_fixed() {
    let limits_to = Verdict::LimitsTo;
    let page = procfs::page_size();
    for (name, verdict, fix, limits) in [
        (
            "open files",
            limits_to(0),
            "ulimit -n 20000",
            Limits { open_files: OpenFiles { soft: Some(32), hard: Some(64) }, ..roomy() },
        ),
        (
            "all files",
            limits_to((70_000 - 4096) / 2),
            "sysctl -w fs.file-max=131072",
            Limits { files_max: Some(70_000), ..roomy() },
        ),
        (
            "accept queue",
            Verdict::TooLow,
            "sysctl -w net.core.somaxconn=4096",
            Limits { accept_queue: Some(128), ..roomy() },
        ),
        (
            "handshakes",
            Verdict::TooLow,
            "sysctl -w net.ipv4.tcp_max_syn_backlog=4096",
            Limits { syn_backlog: Some(512), ..roomy() },
        ),
        (
            "conntrack",
            limits_to(32_763),
            "sysctl -w net.netfilter.nf_conntrack_max=65536",
            Limits { conntrack: Some(Conntrack { max: 32_768, count: 5 }), ..roomy() },
        ),
        (
            "TCP buffers",
            Verdict::TooLow,
            "sysctl -w net.ipv4.tcp_mem=\"80000 120000 160000\"",
            Limits { tcp_buffers: Some(79_999 * page), ..roomy() },
        ),
        (
            "memory",
            limits_to(((256 << 20) - (48 << 20)) / (2 * 4_700 + 1024)),
            "systemd-run --scope -p MemoryMax=infinity sse-loadgen ...",
            Limits { memory: Some(256 << 20), ..roomy() },
        ),
        (
            "threads",
            limits_to(13_333),
            "systemd-run --scope -p TasksMax=infinity sse-loadgen ...",
            Limits { pids: Some(65), ..roomy() },
        ),
    ] {
        let diagnosis = examine(40_000, &here(), limits).unwrap();
        let bad = diagnosis.checks.iter().filter(|check| check.verdict != Verdict::Ok);
        let bad: Vec<_> = bad.map(|check| (check.name, check.verdict, check.fix.as_deref())).collect();
        assert_eq!(bad, [(name, verdict, Some(fix))]);
        assert_eq!(diagnosis.possible, verdict == Verdict::TooLow, "{name}");
    }
}

#[test]
fn too_few_ports_are_fixed_by_a_wider_range_or_by_addresses() {
    let remote = at("192.0.2.1:80");
    let ports = |clients| {
        let diagnosis = examine(clients, &remote, roomy()).unwrap();
        assert_eq!((diagnosis.workers, diagnosis.pairs, diagnosis.possible), (None, None, false));
        check(&diagnosis, "ports")
    };
    let few = ports(40_000);
    assert_eq!(few.verdict, Verdict::LimitsTo(19_762));
    assert_eq!(few.fix.as_deref(), Some("sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""));
    let fix = ports(100_000).fix.unwrap();
    assert!(fix.contains("--source IP") && fix.contains("6 addresses"), "{fix}");
}

#[test]
fn a_remote_target_takes_half_the_memory_and_its_queues_are_not_ours() {
    let diagnosis = examine(10_000, &at("192.0.2.1:80"), roomy()).unwrap();
    assert!(check(&diagnosis, "memory").said.contains("our end"));
    assert!(!diagnosis.checks.iter().any(|check| ["accept queue", "handshakes"].contains(&check.name)));
}

#[test]
fn the_server_that_is_there_is_examined() {
    let server = |pid, files| Server { pid, open_files: Some(files), open: 24 };
    let with = |servers| Situation { servers, ..here() };

    let one = examine(15_000, &with(vec![server(42, 1024)]), roomy()).unwrap();
    let one = check(&one, "server files");
    assert_eq!(one.verdict, Verdict::LimitsTo(1000));
    assert_eq!(one.fix.as_deref(), Some("prlimit --pid 42 --nofile=15088:15088"));

    let four = (1..=4).map(|pid| server(pid, 20_000)).collect();
    let four = examine(60_000, &with(four), roomy()).unwrap();
    assert_eq!(check(&four, "server files").verdict, Verdict::Ok);
}

#[test]
fn a_server_that_is_not_there_yet_would_inherit_the_limit() {
    let not_there = at("127.0.0.1:8080");
    let diagnosis = examine(15_000, &not_there, roomy()).unwrap();
    let server = check(&diagnosis, "server files");
    assert_eq!((server.verdict, diagnosis.possible), (Verdict::TooLow, true));
    assert_eq!(server.fix.as_deref(), Some("ulimit -n 15064"));
    let few = examine(960, &not_there, roomy()).unwrap();
    assert_eq!(check(&few, "server files").verdict, Verdict::Ok);
}

#[test]
fn what_the_machine_does_not_tell_is_not_checked() {
    let silent = Limits { cores: 1, ..Limits::default() };
    let diagnosis = examine(1_000_000, &here(), silent).unwrap();
    assert!(diagnosis.possible);
    let names: Vec<_> = diagnosis.checks.iter().map(|check| check.name).collect();
    assert_eq!(names, ["open files", "server files"]);
}

#[test]
fn one_line_for_each_check_and_one_for_each_fix() {
    let limits = Limits { accept_queue: Some(128), files_max: Some(70_000), ..roomy() };
    let diagnosis = examine(40_000, &here(), limits).unwrap();
    let text = text::render(&diagnosis);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), diagnosis.checks.len() + 2 + 1, "{text}");
    assert!(lines[0].starts_with("ok                open files    20,000 a process: 3 workers"), "{text}");
    assert!(lines[2].starts_with("limits to 32,952  all files     "), "{text}");
    assert_eq!(lines[3].trim(), "fix: sysctl -w fs.file-max=131072");
    assert!(lines.last().unwrap().contains("at most 32,952"), "{text}");
}

#[test]
fn json_says_the_same() {
    let limits = Limits { files_max: Some(70_000), ..roomy() };
    let diagnosis = examine(40_000, &here(), limits).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json(&diagnosis)).unwrap();
    assert_eq!(json["possible"], false);
    assert_eq!(json["workers"], 3);
    assert_eq!(json["checks"][0]["verdict"], "ok");
    assert_eq!(json["checks"][2]["verdict"], "limits_to");
    assert_eq!(json["checks"][2]["most"], 32_952);
    assert_eq!(json["limits"]["open_files"]["hard"], 20_000);
}

#[test]
fn this_machine_is_examined() {
    let args = DoctorArgs { clients: 10, url: Vec::new(), source: Vec::new(), json: false };
    let answer = run(&args).unwrap();
    assert!(answer.possible, "{}", answer.text);
}
