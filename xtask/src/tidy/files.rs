//! Rules about one file: its name, its head, its length, its white space, and paths of somebody's machine in it.

use super::{Complaint, has_extension};

/// A file that is longer has more than one purpose. Counts documentation and tests too: all of it has to be read.
const MAX_LINES: usize = 500;

/// Names that tell nothing about what is inside.
const EMPTY_WORDS: &[&str] = &["helper", "helpers", "manager", "managers", "util", "utils"];

/// Folders whose mention means that the text holds on one machine only.
const MACHINE_FOLDERS: &[&str] = &[concat!("/", "home/"), concat!("/", "root/"), concat!("/", "work/")];

pub(super) fn check_name(path: &str) -> Option<Complaint> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let word = name.split(['-', '_', '.']).find(|word| EMPTY_WORDS.contains(word))?;
    Some(Complaint::new(path, 1, format!("`{word}` says nothing: name the file after what it is for")))
}

pub(super) fn check_text(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if has_extension(path, &["rs"]) {
        complaints.extend(head(path, text));
        complaints.extend(length(path, text));
    }
    if has_extension(path, &["json", "md", "rs", "toml", "yaml", "yml"]) {
        complaints.extend(trailing_space(path, text));
    }
    complaints.extend(machine_paths(path, text));
    complaints
}

fn head(path: &str, text: &str) -> Option<Complaint> {
    let what = "open the file with `//!`: what it is for, and what it is not for";
    (!text.starts_with("//!")).then(|| Complaint::new(path, 1, what))
}

fn length(path: &str, text: &str) -> Option<Complaint> {
    let lines = text.lines().count();
    let what = || format!("{lines} lines, of at most {MAX_LINES}: split the file by purpose");
    (lines > MAX_LINES).then(|| Complaint::new(path, lines, what()))
}

fn trailing_space(path: &str, text: &str) -> Vec<Complaint> {
    let ends_in_space = |line: &str| line.ends_with([' ', '\t', '\r']);
    let lines = text.split('\n').enumerate().filter(|(_, line)| ends_in_space(line));
    lines
        .map(|(index, _)| Complaint::new(path, index + 1, "remove the space at the end of the line"))
        .collect()
}

fn machine_paths(path: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for folder in MACHINE_FOLDERS.iter().filter(|folder| names_folder(line, folder)) {
            let what =
                format!("`{folder}` exists on one machine only: write a path relative to the repository");
            complaints.push(Complaint::new(path, index + 1, what));
        }
    }
    complaints
}

/// Whether an absolute path in `line` begins with `folder`. In `https://host/home/` and `$DIR/home/` none does.
fn names_folder(line: &str, folder: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || "._-~}*/".contains(c);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(path: &str, text: &str) -> Vec<String> {
        check_text(path, text).into_iter().map(|complaint| complaint.what).collect()
    }

    #[test]
    fn a_rust_file_opens_with_what_it_is_for() {
        assert_eq!(whats("a.rs", "//! Purpose.\nfn main() {}\n"), [""; 0]);
        assert!(whats("a.rs", "use std::fmt;\n//! Purpose.\n")[0].starts_with("open the file with `//!`"));
        assert_eq!(whats("a.md", "# Title\n"), [""; 0]);
    }

    #[test]
    fn a_rust_file_has_500_lines_at_most() {
        assert_eq!(whats("a.rs", &"//!\n".repeat(500)), [""; 0]);
        assert!(whats("a.rs", &"//!\n".repeat(501))[0].starts_with("501 lines"));
    }

    #[test]
    fn space_at_the_end_of_a_line_is_found_with_its_line() {
        for text in ["one\ntwo \nthree\n", "one\ntwo\t\n", "one\ntwo ", "one\ntwo\r\n"] {
            let complaints = check_text("a.md", text);
            assert_eq!(
                complaints.iter().map(|complaint| complaint.line).collect::<Vec<_>>(),
                [2],
                "{text:?}"
            );
        }
        assert_eq!(whats("a.txt", "one \n"), [""; 0]);
    }

    #[test]
    fn paths_of_one_machine_are_found_and_urls_are_not() {
        let folder = MACHINE_FOLDERS[0];
        for text in [
            format!("cd {folder}me"),
            format!("\"{folder}me\""),
            format!("{folder}me"),
            format!("file={folder}"),
        ] {
            assert_eq!(whats("a.txt", &text).len(), 1, "{text}");
        }
        for text in
            [format!("https://example.org{folder}me"), format!("$HOME{folder}"), format!("../..{folder}")]
        {
            assert_eq!(whats("a.txt", &text), [""; 0], "{text}");
        }
    }

    #[test]
    fn names_that_say_nothing_are_found_as_words() {
        for path in ["src/utils.rs", "src/test_helper.rs", "web/topic-manager.js", "Util.java"] {
            assert!(check_name(path).is_some(), "{path}");
        }
        for path in ["src/utility_bill.rs", "src/management.rs", "helpers/topic.rs"] {
            assert!(check_name(path).is_none(), "{path}");
        }
    }
}
