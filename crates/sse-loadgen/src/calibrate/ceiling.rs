//! The search for the highest load that is still borne: doubled until it is too much, then halved in between. Pure.

/// So many probes a search commonly takes: five times double, three times between.
pub(super) const TYPICAL: u32 = 8;
/// From 10,000 on, this is more than 10 million per second: no machine is to be asked for more.
const DOUBLINGS: u32 = 11;
/// To an eighth of the distance between what was borne and what was not.
const HALVINGS: u32 = 3;

/// What one short run found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Probe {
    /// Events per second that were read.
    pub(super) read: f64,
    /// CPU time of all workers per event, in ns.
    pub(super) cpu_ns: f64,
    /// Why the tester was not ok; nothing if it was.
    pub(super) unfit: Vec<String>,
    /// What was published was read in time.
    pub(super) kept_up: bool,
}

/// The end of a search.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ceiling {
    /// The highest load that was borne.
    pub(super) best: Probe,
    /// The lowest that was not; none if nothing was too much.
    pub(super) beyond: Option<Probe>,
}

impl Ceiling {
    /// Searches, from a load that anybody bears, with a function that tries one. A load counts as too much if it was twice
    /// in a row: anything may happen once on a machine that others use.
    pub(super) fn find<E>(first: f64, mut attempt: impl FnMut(f64) -> Result<Probe, E>) -> Result<Self, E> {
        let mut twice = |load| {
            let once = attempt(load)?;
            if once.is_borne() { Ok(once) } else { attempt(load) }
        };
        let mut best = twice(first)?;
        let (mut borne, mut too_much) = (first, None);
        for _ in 0..DOUBLINGS {
            if !best.is_borne() {
                break;
            }
            let probe = twice(borne * 2.0)?;
            if !probe.is_borne() {
                too_much = Some((borne * 2.0, probe));
                break;
            }
            (best, borne) = (probe, borne * 2.0);
        }
        let Some((mut over, mut failed)) = too_much else {
            // Either nothing was too much, or even the first.
            let beyond = (!best.is_borne()).then(|| best.clone());
            return Ok(Self { best, beyond });
        };
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(borne, over);
            let probe = twice(middle)?;
            if probe.is_borne() {
                (best, borne) = (probe, middle);
            } else {
                (over, failed) = (middle, probe);
            }
        }
        Ok(Self { best, beyond: Some(failed) })
    }
}

impl Probe {
    fn is_borne(&self) -> bool {
        self.unfit.is_empty() && self.kept_up
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn machine(limit: f64) -> impl FnMut(f64) -> Result<Probe, Infallible> {
        move |load| {
            Ok(Probe { read: load.min(limit), cpu_ns: 1.0, unfit: Vec::new(), kept_up: load <= limit })
        }
    }

    #[test]
    fn the_ceiling_is_found_within_an_eighth() {
        for limit in [10_000.0, 11_000.0, 90_000.0, 640_000.0, 1e6] {
            let Ok(found) = Ceiling::find(10_000.0, machine(limit));
            assert!(found.best.read <= limit && found.best.read > limit * 0.87, "{limit}: {found:?}");
            assert!(found.beyond.is_some_and(|beyond| beyond.read <= limit && !beyond.kept_up));
        }
    }

    #[test]
    fn a_search_without_an_end_is_told() {
        let Ok(found) = Ceiling::find(10_000.0, machine(f64::INFINITY));
        assert!(found.beyond.is_none() && found.best.read > 1e7);
        let Ok(found) = Ceiling::find(10_000.0, machine(5_000.0));
        assert_eq!((found.best.read, found.beyond.is_some()), (5_000.0, true));
    }

    #[test]
    fn one_bad_moment_ends_no_search() {
        let mut bad = 0;
        let mut machine = machine(1e6);
        let Ok(found) = Ceiling::find(10_000.0, |load| {
            bad += 1;
            machine(if bad == 3 { 1e9 } else { load })
        });
        assert!(found.best.read > 870_000.0);
    }
}
