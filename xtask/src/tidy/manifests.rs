//! The rule about manifests: every package takes its lints from the workspace, so that there is one list of them.

use super::Complaint;

pub(super) fn check(path: &str, text: &str) -> Option<Complaint> {
    // The fuzz package is a workspace of its own, as cargo-fuzz makes it: it has nothing to inherit from.
    let is_member =
        path.ends_with("/Cargo.toml") && has_table(text, "[package]") && !has_table(text, "[workspace]");
    let what = "add the table `[lints]` with `workspace = true`";
    (is_member && !inherits_lints(text)).then(|| Complaint::new(path, 1, what))
}

fn has_table(text: &str, header: &str) -> bool {
    text.lines().any(|line| line.trim() == header)
}

fn inherits_lints(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    let mut table = lines.by_ref().take_while(|line| !line.starts_with('['));
    table.any(|line| line.replace(' ', "") == "workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_inherits_the_lints() {
        assert_eq!(check("a/Cargo.toml", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"), None);
        assert!(check("a/Cargo.toml", "[package]\nname = \"a\"\n").is_some());
        assert!(check("a/Cargo.toml", "[package]\n[lints]\n[dependencies.b]\nworkspace = true\n").is_some());
        assert!(check("a/Cargo.toml", "[package]\n[lints.clippy]\nworkspace = true\n").is_some());
    }

    #[test]
    fn workspaces_and_other_files_have_nothing_to_inherit() {
        assert_eq!(check("Cargo.toml", "[workspace]\n"), None);
        assert_eq!(check("fuzz/Cargo.toml", "[package]\n[workspace]\n"), None);
        assert_eq!(check("a/other.toml", "[package]\n"), None);
    }
}
