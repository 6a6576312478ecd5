//! Rows of text under a head, aligned or as Markdown.

#[derive(Debug)]
pub(super) struct Table {
    /// The first is the head.
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self { rows: vec![head.into_iter().map(Into::into).collect()] }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn aligned(&self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        // Emphasis is for documents.
        text.replace("**", "")
    }

    pub(super) fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let escaped: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", escaped.join(" | "))
        };
        let mut text = line(&self.rows[0]);
        text.push_str(&line(&vec!["---".to_owned(); self.rows[0].len()]));
        self.rows[1..].iter().for_each(|row| text.push_str(&line(row)));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["a", "µs"]);
        table.row(["long|er".to_owned(), "**1** µs".to_owned()]);
        table
    }

    #[test]
    fn columns_are_aligned_by_characters() {
        assert_eq!(table().aligned(), "a        µs\nlong|er  1 µs\n");
    }

    #[test]
    fn markdown_keeps_what_is_in_a_cell_in_it() {
        assert_eq!(table().markdown(), "| a | µs |\n| --- | --- |\n| long\\|er | **1** µs |\n");
    }
}
