//! The rule about mutants: a bug that is built into the code is one that the mutants step tries.

use super::Complaint;
use crate::mutants::MUTANTS;

const FLAG: &str = "mutant = \"";

pub(super) fn check(path: &str, text: &str) -> Vec<Complaint> {
    check_against(&MUTANTS.iter().map(|mutant| mutant.name).collect::<Vec<_>>(), path, text)
}

fn check_against(listed: &[&str], path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    // The tooling writes about flags without meaning a mutant.
    if !(path.starts_with("crates/") && path.ends_with(".rs")) {
        return complaints;
    }
    for (index, line) in text.lines().enumerate() {
        let names = line.split(FLAG).skip(1).filter_map(|rest| rest.split('"').next());
        for name in names.filter(|name| !listed.contains(name)) {
            let what =
                format!("list the mutant `{name}` in xtask/src/mutants.rs, with the test that notices it");
            complaints.push(Complaint::new(path, index + 1, what));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_in_the_code_has_to_be_listed() {
        let text = "#[cfg(not(mutant = \"known\"))]\n#[cfg(any(mutant = \"known\", mutant = \"lost\"))]\n";

        let found = check_against(&["known"], "crates/sse-core/src/log.rs", text);

        assert_eq!(found.len(), 1);
        assert!(found[0].line == 2 && found[0].what.contains("`lost`"), "{}", found[0]);
        assert_eq!(check_against(&[], "xtask/src/mutants.rs", text), []);
    }
}
