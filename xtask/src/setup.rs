//! `cargo xtask setup`: installs what the checks need and this machine lacks. `cargo xtask ci` does the same first,
//! for the steps it is about to run. `cargo xtask bench` does it for the servers that it compares: no check needs those.
//!
//! System packages come from apt-get; on other systems the message names what to install by hand. The clients of the
//! end-to-end tests come from their lock files into the build directory, and touch nothing outside it.

mod clients;
mod packages;

use std::collections::BTreeSet;

use anyhow::Result;

use crate::workspace::Workspace;
use packages::Tool;

pub(crate) use clients::install_node_packages;

/// Something that a step needs to be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Schemathesis, which asks whatever an OpenAPI document allows.
    ApiTester,
    /// A Chromium that a test can drive.
    Browser,
    Curl,
    /// The Go toolchain.
    Go,
    /// nginx with the module nchan.
    Nchan,
    /// Node and npm, and nothing that runs on them.
    Node,
    NodeClients,
    /// The reverse proxies that people put in front of a server.
    Proxies,
    PythonClients,
    /// callgrind, which counts instructions.
    Valgrind,
}

impl Need {
    const OF_CHECKS: [Self; 7] = [
        Self::ApiTester,
        Self::Browser,
        Self::Curl,
        Self::NodeClients,
        Self::Proxies,
        Self::PythonClients,
        Self::Valgrind,
    ];

    fn tools(self) -> &'static [Tool] {
        match self {
            Self::Browser => packages::BROWSER,
            Self::Curl => packages::CURL,
            Self::Go => packages::GO,
            Self::Nchan => packages::NCHAN,
            Self::Node | Self::NodeClients => packages::NODE,
            Self::Proxies => packages::PROXIES,
            Self::ApiTester | Self::PythonClients => packages::PYTHON,
            Self::Valgrind => packages::VALGRIND,
        }
    }
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    prepare(workspace, &BTreeSet::from(Need::OF_CHECKS))
}

/// Installs what is missing of these needs. Costs milliseconds when nothing is.
pub(crate) fn prepare(workspace: &Workspace, needs: &BTreeSet<Need>) -> Result<()> {
    packages::install(workspace, needs.iter().flat_map(|need| need.tools()))?;
    for need in needs {
        match need {
            Need::NodeClients => clients::install_node(workspace)?,
            Need::PythonClients => clients::install_python(workspace)?,
            Need::ApiTester => clients::install_api_tester(workspace)?,
            Need::Browser
            | Need::Curl
            | Need::Go
            | Need::Nchan
            | Need::Node
            | Need::Proxies
            | Need::Valgrind => {}
        }
    }
    println!("everything that is needed is installed");
    Ok(())
}
