//! `cargo xtask setup`: installs what the checks need and this machine lacks. `cargo xtask ci` does the same first,
//! for the steps it is about to run.
//!
//! System packages come from apt-get; on other systems the message names what to install by hand. The clients of the
//! end-to-end tests come from their lock files into the build directory, and touch nothing outside it.

mod clients;
mod packages;

use std::collections::BTreeSet;

use anyhow::Result;

use crate::workspace::Workspace;
use packages::Tool;

/// Something that a step needs to be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Schemathesis, which asks whatever an OpenAPI document allows.
    ApiTester,
    /// A Chromium that a test can drive.
    Browser,
    Curl,
    NodeClients,
    /// The reverse proxies that people put in front of a server.
    Proxies,
    PythonClients,
}

impl Need {
    const ALL: [Self; 6] =
        [Self::ApiTester, Self::Browser, Self::Curl, Self::NodeClients, Self::Proxies, Self::PythonClients];

    fn tools(self) -> &'static [Tool] {
        match self {
            Self::Browser => packages::BROWSER,
            Self::Curl => packages::CURL,
            Self::NodeClients => packages::NODE,
            Self::Proxies => packages::PROXIES,
            Self::ApiTester | Self::PythonClients => packages::PYTHON,
        }
    }
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    prepare(workspace, &BTreeSet::from(Need::ALL))
}

/// Installs what is missing of these needs. Costs milliseconds when nothing is.
pub(crate) fn prepare(workspace: &Workspace, needs: &BTreeSet<Need>) -> Result<()> {
    packages::install(workspace, needs.iter().flat_map(|need| need.tools()))?;
    for need in needs {
        match need {
            Need::NodeClients => clients::install_node(workspace)?,
            Need::PythonClients => clients::install_python(workspace)?,
            Need::ApiTester => clients::install_api_tester(workspace)?,
            Need::Browser | Need::Curl | Need::Proxies => {}
        }
    }
    println!("everything that is needed is installed");
    Ok(())
}
