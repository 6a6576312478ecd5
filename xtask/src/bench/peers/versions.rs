//! Which version of a peer is installed, from its lock file or from the one who installed it.

use std::fs;

use super::{Kind, build};
use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// `None`: it cannot be found out.
pub(super) fn of(kind: Kind, workspace: &Workspace) -> Option<String> {
    let ask = |program: &str, args: &[&str]| {
        let answer = Invocation::new(program).args(args.iter().copied()).output(workspace).ok()?;
        Some(answer.trim().to_owned())
    };
    let locked = |peer: &str, file: &str| fs::read_to_string(build::source(workspace, peer).join(file)).ok();
    match kind {
        Kind::ActixLab => {
            let lock = locked("actix-lab", "Cargo.lock")?;
            let [lab, web] = ["actix-web-lab", "actix-web"].map(|name| crate_version(&lock, name));
            Some(format!("actix-web-lab {}, actix-web {}", lab?, web?))
        }
        Kind::Axum => {
            let lock = locked("axum", "Cargo.lock")?;
            let [axum, tokio] = ["axum", "tokio"].map(|name| crate_version(&lock, name));
            Some(format!("axum {}, tokio {}", axum?, tokio?))
        }
        Kind::BetterSse => {
            let lock = locked("better-sse", "package-lock.json")?;
            let node = ask("node", &["--version"])?;
            Some(format!("better-sse {}, Node {}", npm_version(&lock, "better-sse")?, node.trim_matches('v')))
        }
        Kind::Floor | Kind::Hub(_) => {
            let commit = ask("git", &["-c", "safe.directory=*", "describe", "--always", "--dirty"]);
            let version = env!("CARGO_PKG_VERSION");
            Some(commit.map_or_else(|| version.to_owned(), |commit| format!("{version}, {commit}")))
        }
        Kind::Go => {
            let version = ask("go", &["version"])?;
            version.split_whitespace().nth(2).map(|version| version.replacen("go", "Go ", 1))
        }
        Kind::Nchan => {
            let package = |name| ask("dpkg-query", &["-W", "-f", "${Version}", name]);
            let (nchan, nginx) = (package("libnginx-mod-nchan")?, package("nginx")?);
            Some(format!("nchan {}, nginx {}", upstream(&nchan), upstream(&nginx)))
        }
    }
}

/// Of a package in `Cargo.lock`.
fn crate_version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    rest.split('"').next()
}

/// Of a package in `package-lock.json`.
fn npm_version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("\"node_modules/{name}\""))?;
    let (_, rest) = rest.split_once("\"version\": \"")?;
    rest.split('"').next()
}

/// Of what Debian has packed, without what it counts itself.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.split(['+', '-', '~']).next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_lock_files() {
        let lock = "[[package]]\nname = \"axum-core\"\nversion = \"0.5.1\"\n\n[[package]]\nname = \"axum\"\nversion = \"0.8.9\"\n";
        assert_eq!(crate_version(lock, "axum"), Some("0.8.9"));
        assert_eq!(crate_version(lock, "tokio"), None);
        let lock = "\"node_modules/better-sse\": {\n  \"version\": \"0.16.1\",\n";
        assert_eq!(npm_version(lock, "better-sse"), Some("0.16.1"));
    }

    #[test]
    fn debians_own_numbers_are_left_out() {
        assert_eq!(upstream("1:1.3.6+dfsg-2"), "1.3.6");
        assert_eq!(upstream("1.22.1-9+deb12u3"), "1.22.1");
    }
}
