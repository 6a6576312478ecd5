//! The place in a document that is written by this command: between two marks, and nothing beyond them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const BEGIN: &str = "<!-- results -->";
const END: &str = "<!-- /results -->";

pub(super) fn put(document: &Path, text: &str) -> Result<()> {
    let name = document.display();
    let before = fs::read_to_string(document).with_context(|| format!("cannot read {name}"))?;
    let after =
        between(&before, text).with_context(|| format!("{name} has no {BEGIN} with {END} behind it"))?;
    fs::write(document, after).with_context(|| format!("cannot write {name}"))
}

fn between(document: &str, text: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_replaced_and_the_rest_stays() {
        let document = "head\n<!-- results -->\nold\n<!-- /results -->\ntail\n";
        let once = between(document, "new\n").unwrap();

        assert_eq!(once, "head\n<!-- results -->\nnew\n<!-- /results -->\ntail\n");
        assert_eq!(between(&once, "new\n").as_ref(), Some(&once));
    }

    #[test]
    fn without_its_marks_a_document_is_left_alone() {
        assert_eq!(between("<!-- /results --> <!-- results -->", "new"), None);
        assert_eq!(between("", "new"), None);
    }

    #[test]
    fn the_marks_are_in_their_document() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let document = fs::read_to_string(root.join("BENCHMARKING.md")).unwrap();

        assert!(between(&document, "").is_some());
    }
}
