//! A distribution as the text that HDR histograms are printed in (`.hgrm`), which the
//! [public plotter](https://hdrhistogram.github.io/HdrHistogram/plotFiles.html) and many scripts read.
//!
//! The layout is that of `outputPercentileDistribution` of the Java library: four columns, a footer of `#` lines. The
//! plotter takes the first and the fourth column of every line that has four, so the last line, whose fourth would be
//! infinite, has three. Values are in milliseconds.

use std::fmt::Write as _;

use crate::latency::Latency;

const NANOS_PER_MILLI: f64 = 1e6;
/// Lines per halving of the distance to 100 %: as the Java library does unless told otherwise.
const TICKS_PER_HALF: u32 = 5;

/// The text of a distribution. The header and the footer alone if nothing was recorded.
#[must_use]
pub fn hgrm(latency: &Latency) -> String {
    let histogram = latency.histogram();
    let mut text =
        format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF) {
        total += step.count_since_last_iteration();
        let value = step.value_iterated_to() as f64 / NANOS_PER_MILLI;
        let quantile = step.quantile_iterated_to();
        let _ = write!(text, "{value:12.3} {quantile:14.12} {total:10}");
        if quantile < 1.0 {
            let _ = write!(text, " {:14.2}", 1.0 / (1.0 - quantile));
        }
        text.push('\n');
    }
    let empty = histogram.is_empty();
    let mean = if empty { 0.0 } else { histogram.mean() / NANOS_PER_MILLI };
    let deviation = if empty { 0.0 } else { histogram.stdev() / NANOS_PER_MILLI };
    let max = histogram.max() as f64 / NANOS_PER_MILLI;
    let sub_buckets = (2 * 10_u64.pow(u32::from(histogram.sigfig()))).next_power_of_two();
    let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {:12}]", histogram.len());
    let _ = writeln!(text, "#[Buckets = {:12}, SubBuckets     = {sub_buckets:12}]", histogram.buckets());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the plotter takes from a file: the value, and how rare it is.
    fn plotted(text: &str) -> Vec<(f64, f64)> {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let columns =
            lines.map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|line| line.len() == 4);
        columns.filter_map(|line| Some((line[0].parse().ok()?, line[3].parse().ok()?))).collect()
    }

    #[test]
    fn the_plotter_reads_what_was_recorded() {
        let mut latency = Latency::new();
        (1..=1_000).for_each(|millis| latency.record_nanos(millis * 1_000_000));
        let text = hgrm(&latency);
        let points = plotted(&text);
        assert!(points.len() > 20, "{text}");
        assert!(points.is_sorted(), "{text}");
        let half = points.iter().find(|(_, rarity)| *rarity == 2.0).expect("the median is one of the steps");
        assert!((half.0 - 500.0).abs() < 1.0, "{half:?}");
        assert!(text.starts_with("       Value     Percentile TotalCount 1/(1-Percentile)\n\n"), "{text}");
        assert!(text.contains("1.000000000000       1000\n"), "{text}");
        assert!(text.contains("#[Mean    =      500."), "{text}");
        assert!(text.contains("Total count    =         1000]\n"), "{text}");
        assert!(text.ends_with("SubBuckets     =         2048]\n"), "{text}");
    }

    #[test]
    fn nothing_is_no_point_and_no_nan() {
        let text = hgrm(&Latency::new());
        assert!(plotted(&text).is_empty(), "{text}");
        assert!(text.contains("#[Mean    =        0.000"), "{text}");
        assert!(!text.contains("NaN"), "{text}");
    }
}
