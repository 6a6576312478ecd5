//! A network cable between two machines that are not there: two network namespaces and a pair of virtual interfaces.
//!
//! Needs Linux and root. Nothing of the machine's own network is touched.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The address of the server's end; only the two namespaces know it.
const SERVER: &str = "10.213.7.1";
const CLIENT: &str = "10.213.7.2";

/// The cable, and the namespaces at its ends. On drop all of it goes.
#[derive(Debug)]
pub struct Cable {
    name: String,
}

impl Cable {
    /// Lays a cable. None, with the reason, where that is not allowed.
    ///
    /// # Errors
    /// If it is allowed and fails half-way.
    pub fn lay(purpose: &str) -> Result<Result<Self, String>> {
        let name = format!("{purpose}{}", std::process::id());
        let cable = Self { name };
        let (server, client) = (cable.server(), cable.client());
        if let Err(error) = ip(&["netns", "add", &server]) {
            return Ok(Err(format!("no network namespaces here: {error:#}")));
        }
        ip(&["netns", "add", &client])?;
        ip(&[
            "-n", &server, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", &client,
        ])?;
        for (end, address) in [(&server, SERVER), (&client, CLIENT)] {
            ip(&["-n", end, "address", "add", &format!("{address}/24"), "dev", "cable"])?;
            ip(&["-n", end, "link", "set", "cable", "up"])?;
            ip(&["-n", end, "link", "set", "lo", "up"])?;
        }
        Ok(Ok(cable))
    }

    /// What a server is started under to be at its end.
    #[must_use]
    pub fn under(&self) -> [String; 4] {
        ["ip".into(), "netns".into(), "exec".into(), self.server()]
    }

    /// Where the server has to listen, on any port.
    #[must_use]
    pub fn listen(&self) -> String {
        format!("{SERVER}:0")
    }

    /// Connects from the far end.
    ///
    /// # Errors
    /// If nobody listens.
    pub fn connect_from_afar(&self, address: SocketAddr) -> Result<tokio::net::TcpStream> {
        connect(&self.client(), address)
    }

    /// Connects from the server's own end, which does not need the cable.
    ///
    /// # Errors
    /// If nobody listens.
    pub fn connect_from_near(&self, address: SocketAddr) -> Result<tokio::net::TcpStream> {
        connect(&self.server(), address)
    }

    /// Pulls the cable: nothing gets through any more, and nobody is told.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn pull(&self) -> Result<()> {
        ip(&["-n", &self.client(), "link", "set", "cable", "down"])
    }

    /// Puts it back in.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn mend(&self) -> Result<()> {
        ip(&["-n", &self.client(), "link", "set", "cable", "up"])
    }

    fn server(&self) -> String {
        format!("{}s", self.name)
    }

    fn client(&self) -> String {
        format!("{}c", self.name)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // One that was never made makes `ip` complain, which is no failure.
        let _ = ip(&["netns", "delete", &self.server()]);
        let _ = ip(&["netns", "delete", &self.client()]);
    }
}

/// A socket stays in the namespace in which it was made, so only a thread of its own has to go there.
fn connect(namespace: &str, address: SocketAddr) -> Result<tokio::net::TcpStream> {
    let file = File::open(format!("/run/netns/{namespace}"))?;
    let connecting = thread::spawn(move || {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
        TcpStream::connect_timeout(&address, Duration::from_secs(10))
    });
    let stream =
        connecting.join().expect("connecting does not panic").context("connecting in a namespace")?;
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    Ok(tokio::net::TcpStream::from_std(stream)?)
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).output().context("`ip` is missing")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`ip {}`: {}", arguments.join(" "), said.trim());
    Ok(())
}
