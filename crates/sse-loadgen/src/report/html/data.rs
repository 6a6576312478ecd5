//! The result as JSON inside a page.

use crate::report::summary::Summary;

/// The JSON, so that nothing in it can end the script element that it stands in, or begin a comment there.
pub(super) fn embedded(summary: &Summary) -> Result<String, serde_json::Error> {
    // In JSON `<` stands in strings alone, where it may be written as an escape just as well.
    Ok(serde_json::to_string(summary)?
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn no_text_ends_the_script() {
        let mut summary = fixture::clean();
        let nasty = "</script><!--<script>&amp;\u{2028}";
        summary.run.targets = vec![nasty.to_owned()];
        let json = embedded(&summary).unwrap();
        assert!(!json.contains(['<', '>', '&']), "{json}");
        let read: Summary = serde_json::from_str(&json).unwrap();
        assert_eq!(read.run.targets, [nasty]);
    }
}
