//! A text in a hundred columns: a label at the left, and beside it what there is to say.

use comfy_table::{CellAlignment, ColumnConstraint, Table, Width, presets};

use super::Style;
use crate::report::summary::Severity;

/// As wide as a text may be: what a terminal of a laptop shows beside another.
const WIDTH: usize = 100;
/// Where what is said begins.
const INDENT: usize = 13;

/// What a piece of text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Bad,
    Faint,
    Good,
    Plain,
    Strong,
    Warn,
}

/// A piece of text that stays on one line if it can.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    text: String,
    tone: Tone,
}

/// The text, as far as it is written.
#[derive(Debug)]
pub(super) struct Sheet {
    text: String,
    style: Style,
}

/// What stands before a sentence: also without colour it says how bad it is.
pub(super) fn mark(severity: Severity) -> Piece {
    match severity {
        Severity::Note => Piece::new("✓", Tone::Good),
        Severity::Warning => Piece::new("!", Tone::Warn),
        Severity::Error => Piece::new("✗", Tone::Bad),
    }
}

impl Piece {
    pub(super) fn new(text: &str, tone: Tone) -> Self {
        // What servers say of themselves, such as a content type, must not be able to steer the terminal.
        let text = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        Self { text, tone }
    }

    pub(super) fn plain(text: &str) -> Self {
        Self::new(text, Tone::Plain)
    }

    pub(super) fn strong(text: &str) -> Self {
        Self::new(text, Tone::Strong)
    }

    pub(super) fn faint(text: &str) -> Self {
        Self::new(text, Tone::Faint)
    }
}

impl Sheet {
    pub(super) fn new(style: Style) -> Self {
        Self { text: String::new(), style }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// An empty line, never two.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Pieces beside each other, well apart.
    pub(super) fn row(&mut self, label: &str, pieces: impl IntoIterator<Item = Piece>) {
        self.flow(label, pieces, 3);
    }

    /// Words after a mark.
    pub(super) fn sentence(&mut self, label: &str, mark: Piece, text: &str) {
        let tone = if mark.tone == Tone::Faint { Tone::Faint } else { Tone::Plain };
        let words = text.split_whitespace().map(|word| Piece::new(word, tone));
        self.flow(label, std::iter::once(mark).chain(words), 1);
    }

    /// Columns of figures, aligned to the right; the first column is what they are of.
    pub(super) fn grid(&mut self, header: Vec<String>, rows: Vec<(Tone, Vec<String>)>) {
        let mut grid = Table::new();
        grid.load_style(presets::NOTHING).set_header(header);
        let tones: Vec<_> = std::iter::once(Tone::Faint).chain(rows.iter().map(|(tone, _)| *tone)).collect();
        grid.add_rows(rows.into_iter().map(|(_, cells)| cells));
        for (index, column) in grid.column_iter_mut().enumerate() {
            let (alignment, padding) =
                if index == 0 { (CellAlignment::Left, (0, 1)) } else { (CellAlignment::Right, (1, 1)) };
            column.set_cell_alignment(alignment);
            column.set_padding(padding);
            let least = if index == 0 { INDENT + 3 } else { 10 };
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least as u16)));
        }
        for (line, tone) in grid.lines().zip(tones) {
            let line = line.trim_end();
            // The first cell is a label like any other; the header of its column, too.
            let split = line.char_indices().nth(INDENT).map_or(line.len(), |(at, _)| at);
            let (label, rest) = if tone == Tone::Faint { line.split_at(split) } else { ("", line) };
            self.paint(label, Tone::Strong);
            self.paint(rest, tone);
            self.text.push('\n');
        }
    }

    fn flow(&mut self, label: &str, pieces: impl IntoIterator<Item = Piece>, gap: usize) {
        self.paint(&format!("{label:<INDENT$}"), Tone::Strong);
        let mut column = INDENT;
        for piece in pieces {
            let width = piece.text.chars().count();
            if column > INDENT {
                if column + gap + width <= WIDTH {
                    self.text.push_str(&" ".repeat(gap));
                    column += gap;
                } else {
                    self.next_line();
                    column = INDENT;
                }
            }
            column = self.write(&piece, column);
        }
        self.text.push('\n');
    }

    /// Writes a piece, over several lines if it is wider than one, and says where it ended.
    fn write(&mut self, piece: &Piece, mut column: usize) -> usize {
        let letters: Vec<_> = piece.text.chars().collect();
        for (index, line) in letters.chunks(WIDTH - INDENT).enumerate() {
            if index > 0 {
                self.next_line();
                column = INDENT;
            }
            self.paint(&line.iter().collect::<String>(), piece.tone);
            column += line.len();
        }
        column
    }

    fn next_line(&mut self) {
        self.text.push('\n');
        self.text.push_str(&" ".repeat(INDENT));
    }

    fn paint(&mut self, text: &str, tone: Tone) {
        let code = match (self.style, tone) {
            (Style::Plain, _) | (_, Tone::Plain) => None,
            (_, Tone::Bad) => Some("31"),
            (_, Tone::Faint) => Some("2"),
            (_, Tone::Good) => Some("32"),
            (_, Tone::Strong) => Some("1"),
            (_, Tone::Warn) => Some("33"),
        };
        match code.filter(|_| !text.trim().is_empty()) {
            Some(code) => self.text.push_str(&format!("\x1b[{code}m{text}\x1b[0m")),
            None => self.text.push_str(text),
        }
    }
}
