//! Reads the quick start out of the README. Pure: text in, actions out.

use anyhow::{Context, Result, bail};

const SECTION: &str = "Quick start";
const MARK: &str = "<!-- quick-start:";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Start this script, go on, and end it when all is done.
    Background(String),
    /// Await this text in what has been written.
    Expect(String),
    /// Run this script to its end.
    Run(String),
}

/// What a comment makes of the block that follows it.
type Make = fn(String) -> Action;

/// The actions of the section, in the order in which they stand there; none when there is no such section.
///
/// # Errors
///
/// A comment that is not understood, one that no `sh` block follows, a block without an end.
pub(super) fn parse(readme: &str) -> Result<Vec<Action>> {
    let mut lines = section(readme).into_iter();
    let mut actions = Vec::new();
    let mut pending: Option<Make> = None;
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let script = block(&mut lines)?;
            if let Some(make) = pending.take() {
                if language != "sh" {
                    bail!("a quick-start comment stands before a `{language}` block, which is not `sh`");
                }
                actions.push(make(script));
            }
        } else if let Some(mark) = line.trim().strip_prefix(MARK) {
            if pending.is_some() {
                bail!("two quick-start comments and no block between them: {line}");
            }
            match understand(mark).with_context(|| format!("not understood: {line}"))? {
                Mark::Block(make) => pending = Some(make),
                Mark::Expect(text) => actions.push(Action::Expect(text)),
            }
        }
    }
    if pending.is_some() {
        bail!("the last quick-start comment has no block");
    }
    Ok(actions)
}

/// The lines between the section's heading and the next heading that is not below it.
fn section(readme: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut section = None;
    let mut in_block = false;
    for line in readme.lines() {
        in_block ^= line.starts_with("```");
        match (heading(line), section) {
            // A comment in a shell script looks like a heading.
            (Some((level, title)), _) if !in_block => match section {
                None if title.eq_ignore_ascii_case(SECTION) => section = Some(level),
                Some(own) if level <= own => return lines,
                _ => {}
            },
            (_, Some(_)) => lines.push(line),
            (_, None) => {}
        }
    }
    lines
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    (level > 0 && title.starts_with(' ')).then(|| (level, title.trim()))
}

/// The lines up to the fence that ends the block.
fn block<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Result<String> {
    let mut script = Vec::new();
    for line in lines {
        if line.starts_with("```") {
            return Ok(script.join("\n"));
        }
        script.push(line);
    }
    bail!("a block has no end")
}

enum Mark {
    Block(Make),
    Expect(String),
}

fn understand(mark: &str) -> Option<Mark> {
    match mark.strip_suffix("-->")?.trim() {
        "background" => Some(Mark::Block(Action::Background)),
        "run" => Some(Mark::Block(Action::Run)),
        other => {
            let text = other.strip_prefix("expect")?.trim().strip_prefix('"')?.strip_suffix('"')?;
            (!text.is_empty()).then(|| Mark::Expect(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = r#"# Hub
<!-- quick-start: run -->
```sh
echo outside
```
## Quick start
Start it:
<!-- quick-start: background -->

```sh
# a comment, no heading
cargo run
```
<!-- quick-start: expect "listening on" -->
```sh
echo unmarked
```
### Publish
<!-- quick-start: run -->
```sh
curl -d hello \
  http://127.0.0.1:8080/events/news
```
<!-- quick-start: expect ""id":"" -->
```text
data: hello
```
## Next
<!-- quick-start: run -->
"#;

    fn error(section: &str) -> String {
        format!("{:#}", parse(&format!("## Quick start\n{section}")).unwrap_err())
    }

    #[test]
    fn reads_marked_blocks_of_the_section_in_order() {
        let actions = parse(README).unwrap();

        let expected = [
            Action::Background("# a comment, no heading\ncargo run".to_owned()),
            Action::Expect("listening on".to_owned()),
            Action::Run("curl -d hello \\\n  http://127.0.0.1:8080/events/news".to_owned()),
            Action::Expect("\"id\":\"".to_owned()),
        ];
        assert_eq!(actions, expected);
    }

    #[test]
    fn a_readme_without_the_section_has_no_actions() {
        assert_eq!(parse("# Hub\n```sh\n# Quick start\n```\n").unwrap(), []);
    }

    #[test]
    fn a_comment_that_would_do_nothing_is_an_error() {
        for (section, complaint) in [
            (
                "<!-- quick-start: backgruond -->\n```sh\ntrue\n```",
                "not understood: <!-- quick-start: backgruond",
            ),
            ("<!-- quick-start: expect hello -->", "not understood"),
            ("<!-- quick-start: expect \"\" -->", "not understood"),
            ("<!-- quick-start: run -->\n```json\n{}\n```", "before a `json` block"),
            ("<!-- quick-start: run -->\n<!-- quick-start: run -->", "two quick-start comments"),
            ("<!-- quick-start: run -->\n## Next\n```sh\ntrue\n```", "has no block"),
            ("<!-- quick-start: run -->\n```sh\ntrue", "has no end"),
        ] {
            assert!(error(section).contains(complaint), "{section}: {}", error(section));
        }
    }
}
