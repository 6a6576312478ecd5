//! nginx with nchan: its configuration is a template, it takes no port of the system's choice, and does not say when it
//! is ready.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::build;
use super::running::{self, Running};
use crate::background::Background;
use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// Far beyond what a start takes.
const START: Duration = Duration::from_secs(30);
/// Descriptors that nginx needs for other than connections, at most.
const RESERVED: u64 = 100;

pub(super) fn start(workspace: &Workspace, core: usize) -> Result<Running> {
    let folder = build::folder(workspace).join("nchan");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let address = free_address()?;
    let config = folder.join("nginx.conf");
    fs::write(&config, configure(workspace, &folder, address)?)
        .with_context(|| format!("cannot write {}", config.display()))?;

    let log = folder.join("error.log");
    let nginx = Invocation::new("nginx")
        .args(["-c".into(), config.to_string_lossy()])
        // Also of what it says before it has read its configuration.
        .args(["-e".into(), log.to_string_lossy()]);
    // Its child gets a Ctrl-C as well, and both end in good order.
    let mut master = Background::start(&mut running::confined(nginx, core)?.command(workspace))?;
    let deadline = Instant::now() + START;
    loop {
        let workers = children(master.pid());
        if !workers.is_empty() && TcpStream::connect(address).is_ok() {
            return Ok(Running::family(address, master, workers));
        }
        if master.exit(Duration::ZERO)?.is_some() || Instant::now() > deadline {
            let why = fs::read_to_string(&log).unwrap_or_default();
            bail!("nginx does not serve {address}: {}", why.trim());
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn configure(workspace: &Workspace, folder: &Path, address: SocketAddr) -> Result<String> {
    let template = build::source(workspace, "nchan").join("nginx.conf");
    let template =
        fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
    let id = |flag| Invocation::new("id").args([flag]).output(workspace);
    let open_files = running::descriptors()?;
    let values = [
        ("folder", folder.to_string_lossy().into_owned()),
        // The worker would become nobody, who cannot write where the master is at home.
        ("user", id("-un")?.trim().to_owned()),
        ("group", id("-gn")?.trim().to_owned()),
        ("address", address.to_string()),
        ("open_files", open_files.to_string()),
        ("connections", open_files.saturating_sub(RESERVED).to_string()),
    ];
    Ok(fill_in(template, &values))
}

fn fill_in(template: String, values: &[(&str, String)]) -> String {
    values.iter().fold(template, |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

/// Nobody else takes it in the moment between, unless by bad luck: then nginx says so.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?)
}

fn children(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));

        let config = configure(&Workspace::here(), Path::new("folder"), address).unwrap();

        assert!(config.contains("listen 127.0.0.1:8080 ") && config.contains("pid folder/nginx.pid;"));
        let mut settings = config.lines().filter(|line| !line.starts_with('#'));
        assert!(!settings.any(|line| line.contains("{{")), "{config}");
    }
}
