//! The profiles, as data.

use std::path::Path;

use super::servers::Servers;

/// What is done one after the other.
#[derive(Debug)]
pub(super) struct Profile {
    /// How the command line calls it.
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) runs: &'static [Run],
    /// Until its time is up, all against the same server.
    pub(super) goes_round: bool,
}

/// One run of the load tester.
#[derive(Debug)]
pub(super) struct Run {
    /// Of the folder with its reports.
    pub(super) name: &'static str,
    /// The load tester's command.
    pub(super) scenario: &'static str,
    pub(super) against: Against,
    pub(super) clients: u32,
    /// Events per second that a client gets; requests per second of a scenario that makes them.
    pub(super) rate: f64,
    /// What else the load tester is told, split at spaces.
    pub(super) args: &'static str,
    /// What fails the run.
    pub(super) gates: &'static [&'static str],
}

/// What is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// sse-server, with these flags, split at spaces.
    Hub(&'static str),
    /// The load tester's own server: it has the finite streams that sse-server has not.
    Tokens,
}

/// Every event to every client, once, in order and whole, and every client there.
const EXACT: &[&str] = &[
    "lost>0",
    "delivery.announced>0",
    "delivery.duplicated>0",
    "delivery.reordered>0",
    "delivery.corrupted>0",
    "connections.errors>0",
];
/// The same where connections break on purpose.
const EXACT_AFTER_ALL: &[&str] =
    &["lost>0", "delivery.duplicated>0", "delivery.corrupted>0", "resumes.gap_silent>0"];
/// Clients come back soon, so that a short run sees all of them again.
const SOON_BACK: Against = Against::Hub("--retry 100ms");

pub(super) const PROFILES: &[Profile] = &[
    Profile {
        name: "quick",
        about: "every scenario once, half a minute in all",
        goes_round: false,
        runs: &[
            Run {
                name: "run",
                scenario: "run",
                against: Against::Hub(""),
                clients: 2_000,
                rate: 10.0,
                args: "--duration 5s --warmup 500ms --settle 200ms",
                gates: EXACT,
            },
            Run {
                name: "storm",
                scenario: "storm",
                against: SOON_BACK,
                clients: 1_000,
                rate: 10.0,
                args: "--duration 4s --warmup 200ms --settle 200ms",
                gates: EXACT_AFTER_ALL,
            },
            Run {
                name: "resume",
                scenario: "resume",
                against: SOON_BACK,
                clients: 500,
                rate: 10.0,
                args: "--duration 3s --warmup 200ms --settle 200ms --every 500ms",
                gates: EXACT_AFTER_ALL,
            },
            Run {
                name: "churn",
                scenario: "churn",
                against: Against::Hub(""),
                clients: 500,
                rate: 10.0,
                args: "--duration 3s --warmup 200ms --settle 200ms --lifetime 2s",
                gates: EXACT_AFTER_ALL,
            },
            Run {
                name: "slow",
                scenario: "slow",
                against: Against::Hub(""),
                clients: 500,
                rate: 10.0,
                args: "--duration 3s --warmup 200ms --settle 200ms",
                gates: EXACT_AFTER_ALL,
            },
            Run {
                name: "request",
                scenario: "request",
                against: Against::Tokens,
                clients: 500,
                rate: 100.0,
                args: "--duration 2s --warmup 200ms --settle 200ms",
                gates: &["request.broken>0", "request.failed>0"],
            },
        ],
    },
    Profile {
        name: "tens-of-thousands",
        about: "15,000 clients on one server, then 60,000 on as many as open files ask for",
        goes_round: false,
        runs: &[
            Run {
                name: "15000",
                scenario: "run",
                against: Against::Hub(""),
                clients: 15_000,
                rate: 2.0,
                args: "--duration 30s --workers 1",
                gates: EXACT,
            },
            Run {
                name: "60000",
                scenario: "run",
                against: Against::Hub(""),
                clients: 60_000,
                rate: 0.5,
                args: "--duration 30s --warmup 4s",
                gates: EXACT,
            },
        ],
    },
    Profile {
        name: "soak",
        about: "broadcast, churn, storms and cuts in turn, for half an hour: nothing may grow",
        goes_round: true,
        runs: &[
            Run {
                name: "run",
                scenario: "run",
                against: SOON_BACK,
                clients: 5_000,
                rate: 5.0,
                args: "--duration 20s",
                gates: EXACT,
            },
            Run {
                name: "churn",
                scenario: "churn",
                against: SOON_BACK,
                clients: 2_000,
                rate: 5.0,
                args: "--duration 20s --lifetime 5s",
                gates: EXACT_AFTER_ALL,
            },
            Run {
                name: "storm",
                scenario: "storm",
                against: SOON_BACK,
                clients: 5_000,
                rate: 5.0,
                args: "--duration 15s",
                gates: EXACT_AFTER_ALL,
            },
            Run {
                name: "resume",
                scenario: "resume",
                against: SOON_BACK,
                clients: 2_000,
                rate: 5.0,
                args: "--duration 15s",
                gates: EXACT_AFTER_ALL,
            },
        ],
    },
];

impl Run {
    /// What the load tester is told.
    pub(super) fn command_line(&self, servers: &Servers, reports: &Path) -> Vec<String> {
        let mut line = vec![self.scenario.to_owned()];
        let mut add = |flag: &str, value: String| line.extend([flag.to_owned(), value]);
        add("--clients", self.clients.to_string());
        let mut rate = self.rate;
        if self.publishes() {
            // A topic for each server, so that it is published where its readers are.
            let topics = servers.urls.len();
            rate *= topics as f64;
            add("--topics", topics.to_string());
            servers.urls.iter().for_each(|url| add("--publish", url.clone()));
        }
        add("--rate", rate.to_string());
        self.gates.iter().for_each(|gate| add("--fail", (*gate).to_owned()));
        let file = |name: &str| reports.join(name).display().to_string();
        add("--json", file("report.json"));
        add("--html", file("report.html"));
        if self.publishes() {
            add("--hgrm", file("delivery.hgrm"));
        }
        servers.pids().iter().for_each(|pid| add("--watch-pid", pid.to_string()));
        line.extend(self.args.split_whitespace().map(str::to_owned));
        line.extend(servers.urls.iter().cloned());
        line
    }

    pub(super) fn publishes(&self) -> bool {
        self.against != Against::Tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_and_their_runs_have_names_of_their_own() {
        let unique = |mut names: Vec<&str>| {
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            names.len() == all
        };
        assert!(unique(PROFILES.iter().map(|profile| profile.name).collect()));
        for profile in PROFILES {
            assert!(unique(profile.runs.iter().map(|run| run.name).collect()), "{}", profile.name);
        }
    }

    /// They share one server.
    #[test]
    fn what_goes_round_starts_the_same_server_for_all() {
        for profile in PROFILES.iter().filter(|profile| profile.goes_round) {
            assert!(profile.runs.iter().all(|run| run.against == profile.runs[0].against));
        }
    }
}
