//! Where things are: the repository and its build directory. Runs nothing, except the builds that several steps
//! share.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::invocation::Invocation;

/// The checkout that this binary was built from.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    pub(crate) fn here() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root =
            package.parent().expect("the xtask package lies in a folder of the workspace").to_path_buf();
        // Every cargo that a step starts is told this folder, so a target folder from somebody's cargo
        // configuration cannot make a step look for its binary in the wrong place.
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Self { root, target }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where the Node and Python clients of the end-to-end tests are installed. The tests look for them here, wherever
    /// cargo builds.
    pub(crate) fn clients(&self) -> PathBuf {
        self.root.join("target/e2e")
    }

    /// Builds the server as users get it. Returns the binary's absolute path.
    pub(crate) fn release_server(&self) -> Result<PathBuf> {
        self.release("sse-server", "sse-server")
    }

    /// Builds the load tester as users get it. Returns the binary's absolute path.
    pub(crate) fn release_loadgen(&self) -> Result<PathBuf> {
        self.release("sse-loadgen", "sse-loadgen")
    }

    /// Builds what counts instructions, from the same release code. Returns the binary's absolute path.
    pub(crate) fn release_instructions(&self) -> Result<PathBuf> {
        self.release("benches", "instructions")
    }

    fn release(&self, package: &str, binary: &str) -> Result<PathBuf> {
        Invocation::cargo(&format!("build --release --locked -p {package} --bin {binary}")).run(self)?;
        let built = self.target.join("release").join(binary);
        built.canonicalize().with_context(|| format!("{} is missing after its build", built.display()))
    }
}
