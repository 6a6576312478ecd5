//! Every mutant, in the order of the path of an event through the code. Invariants are those of sse-core's documentation.

use super::Mutant;

const LOOM: Option<&str> = Some("loom");

pub(super) const MUTANTS: &[Mutant] = &[
    // I1: who has the lower sequence may append second.
    Mutant {
        name: "sequence before lock",
        file: "broadcaster.rs",
        right: "let id = self.shared.with_topic(topic, |_, state| {
            if self.shared.is_closed() {
                return Err(Refused::For(PublishError::Closed));
            }
            if state.phase == Phase::Ended {
                return Err(Refused::For(PublishError::Ended));
            }
            if let Some(budget) = &self.shared.budget {
                let need = state.log.growth(&frame);
                if !budget.has_room(self.shared.counters.held(), need) {
                    return Err(Refused::Crowded { frame, budget, need });
                }
            }
            let weight = state.log.weight();
            // Release, so that a reader who loads the head before it locks this topic finds the frame there; Acquire,
            // so that this holds for whoever gets a later sequence as well.
            let sequence = self.shared.head.fetch_add(1, Ordering::AcqRel) + 1;",
        wrong: "let sequence = self.shared.head.fetch_add(1, Ordering::AcqRel) + 1;
            let id = self.shared.with_topic(topic, |_, state| {
            let weight = state.log.weight();",
        test: "--test loom_delivery l2_",
        cfg: LOOM,
    },
    // I10: the waker's code may come back for the lock.
    Mutant {
        name: "wake under lock",
        file: "broadcaster.rs",
        right: "state.mark(&mut wakes);
            Ok(id)",
        wrong: "state.mark(&mut wakes);
            wake_all(std::mem::take(&mut wakes));
            Ok(id)",
        test: "--test loom_ends l14_",
        cfg: LOOM,
    },
    // I9: a parked reader is told of nothing.
    Mutant {
        name: "end without marking",
        file: "broadcaster.rs",
        right: "state.used = self.now();
        state.mark(wakes);",
        wrong: "state.used = self.now();
        let _ = wakes;",
        test: "--test loom_ends l13_",
        cfg: LOOM,
    },
    // I9: the end overtakes an event that was acknowledged.
    Mutant {
        name: "close without locks",
        file: "broadcaster.rs",
        right: "self.shared.topics.for_each(|topic| drop(topic.state.lock()));",
        wrong: "",
        test: "--test loom_ends l7_",
        cfg: LOOM,
    },
    // I9: a segment that comes with the close never hears of it.
    Mutant {
        name: "late segment stays open",
        file: "broadcaster.rs",
        right: "let parked = segments.closing.and_then(|plan| mailbox.close(plan));",
        wrong: "let parked = None;",
        test: "--test loom_ends l7_",
        cfg: LOOM,
    },
    // I11: the loss of a forgotten topic's past is denied.
    Mutant {
        name: "forget without a past",
        file: "broadcaster.rs",
        right: "self.forgotten.fetch_max(state.log.head(), Ordering::AcqRel);",
        wrong: "",
        test: "--test loom_places l9_",
        cfg: LOOM,
    },
    // I8: whoever found a topic just before it was forgotten stays with it.
    Mutant {
        name: "forget without a phase",
        file: "broadcaster.rs",
        right: "state.phase = Phase::Forgotten;",
        wrong: "",
        test: "--test loom_places l9_",
        cfg: LOOM,
    },
    // I2: one of two who create a topic at the same time is alone.
    Mutant {
        name: "create without a second look",
        file: "topics.rs",
        right: "let topic = Arc::new(create());",
        wrong: "let mut part = (drop(part), self.part(name).lock()).1;
        let topic = Arc::new(create());",
        test: "--test loom_places l8_",
        cfg: LOOM,
    },
    // I5: what is let go of is not given back.
    Mutant {
        name: "shed without shrinking",
        file: "log.rs",
        right: "self.drop_blocks();
        self.shrink();",
        wrong: "self.drop_blocks();",
        test: "--test budget i5_",
        cfg: None,
    },
    // I5: a topic with nothing but its newest event loses it.
    Mutant {
        name: "shed the newest too",
        file: "log.rs",
        right: "while self.entries.len() > 1 && self.entries[0].sequence <= cut {",
        wrong: "while !self.entries.is_empty() && self.entries[0].sequence <= cut {",
        test: "--lib log",
        cfg: None,
    },
    // I5: young history goes while old history stays.
    Mutant {
        name: "shed at the far end",
        file: "shed.rs",
        right: "self.shed(cut);",
        wrong: "self.shed(cut.max(u64::MAX));",
        test: "--test budget i5_the_oldest",
        cfg: None,
    },
    // I5: the room that the index takes is not asked for.
    Mutant {
        name: "growth without an index",
        file: "log.rs",
        right: "(bytes + index) as u64",
        wrong: "(bytes + index - index) as u64",
        test: "--test budget i5_no",
        cfg: None,
    },
    // I5: the limit on topics is one of what was counted before.
    Mutant {
        name: "a topic too many",
        file: "topics.rs",
        right: "(count < self.most).then_some(count + 1);",
        wrong: "(count <= self.most).then_some(count + 1);",
        test: "--test budget i5_a_topic",
        cfg: None,
    },
    // I8: the topics of a subscription that failed have a reader for ever.
    Mutant {
        name: "refused and attached",
        file: "segment/membership.rs",
        right: "unread.into_iter().for_each(|key| self.detach(key));",
        wrong: "drop(unread);",
        test: "--test budget i8_",
        cfg: None,
    },
    // I2: a publisher appends to a topic that nobody can find any more.
    Mutant {
        name: "abandoned with an event",
        file: "broadcaster.rs",
        right: "if state.phase != Phase::Live || state.has_readers() || !state.log.is_new() {",
        wrong: "if state.phase != Phase::Live || state.has_readers() {",
        test: "--test loom_places l16_",
        cfg: LOOM,
    },
    // I5.
    Mutant {
        name: "bytes without a bound",
        file: "log.rs",
        right: "|| self.bytes() > retention.bytes as u64;",
        wrong: ";",
        test: "--test broadcaster i5_",
        cfg: None,
    },
    // I2: the loss is silent.
    Mutant {
        name: "trim without counting",
        file: "log.rs",
        right: "self.trimmed += 1;",
        wrong: "",
        test: "--test broadcaster i2",
        cfg: None,
    },
    // I4: who resumes is told of a gap that is none.
    Mutant {
        name: "count one short",
        file: "log.rs",
        right: "if sequence >= self.floor {",
        wrong: "let sequence = sequence.saturating_sub(1);
        if sequence >= self.floor {",
        test: "--lib log",
        cfg: None,
    },
    // I3.
    Mutant {
        name: "deliver twice",
        file: "log.rs",
        right: "pub(crate) fn read(&self, after: u64, through: u64, limit: usize) -> Option<Run> {",
        wrong: "pub(crate) fn read(&self, after: u64, through: u64, limit: usize) -> Option<Run> {
        let after = after.saturating_sub(1);",
        test: "--test broadcaster i",
        cfg: None,
    },
    // I7: a segment is woken again before it came.
    Mutant {
        name: "wake for each topic",
        file: "mailbox.rs",
        right: "state.marked.push(feed);
        state.waker.take()",
        wrong: "state.marked.push(feed);
        state.waker.clone()",
        test: "--test loom_delivery l11_",
        cfg: LOOM,
    },
    // I6: a mark between the look and the waker wakes nobody.
    Mutant {
        name: "park without a second look",
        file: "mailbox.rs",
        right: "match &state.waker {",
        wrong: "let mut state = (drop(state), self.state.lock()).1;
            match &state.waker {",
        test: "--test loom_delivery l3_",
        cfg: LOOM,
    },
    // I6.
    Mutant {
        name: "segment keeps its first waker",
        file: "mailbox.rs",
        right: "Some(parked) if parked.will_wake(&waker) => Some(waker),",
        wrong: "Some(_) => Some(waker),",
        test: "--test lifetime i6",
        cfg: None,
    },
    // I12.
    Mutant {
        name: "a panic silences others",
        file: "wake.rs",
        right: "if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {",
        wrong: "waker.wake();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| ())) {",
        test: "--test lifetime i12",
        cfg: None,
    },
    // I6: of an event between the two nobody is told.
    Mutant {
        name: "unmark after reading",
        file: "segment/sweep.rs",
        right: "state.unmark(&self.mailbox);
            feed.refresh(&state);
            drop(state);",
        wrong: "feed.refresh(&state);
            drop(state);
            topic.state.lock().unmark(&self.mailbox);",
        test: "--test loom_ends l13_",
        cfg: LOOM,
    },
    // I6.
    Mutant {
        name: "reader keeps its first waker",
        file: "segment/outlet.rs",
        right: "Outlet::Task(Some(parked)) if parked.will_wake(waker) => Ok(None),",
        wrong: "Outlet::Task(Some(_)) => Ok(None),",
        test: "--test loom_delivery l6_",
        cfg: LOOM,
    },
    // I9: the close comes before what was published before it, when that was in many topics.
    Mutant {
        name: "close before all marks",
        file: "segment/sweep.rs",
        right: "&& closing != self.closing
            && self.marked.is_empty()",
        wrong: "&& closing != self.closing",
        test: "--test broadcaster i9",
        cfg: None,
    },
    // I9: those who wait for their turn of the first close wait on.
    Mutant {
        name: "close keeps its window",
        file: "segment/sweep.rs",
        right: "&& closing != self.closing",
        wrong: "&& self.closing.is_none()",
        test: "--test closing i9_",
        cfg: None,
    },
    Mutant {
        name: "waves without a last one",
        file: "segment/waves.rs",
        right: "let left = waves.total - waves.share(waves.plan.waves(now));",
        wrong: "let left = (waves.total - waves.share(waves.plan.waves(now))).max(1);",
        test: "--test closing i9_",
        cfg: None,
    },
    Mutant {
        name: "waves all at once",
        file: "segment/waves.rs",
        right: "let left = waves.total - waves.share(waves.plan.waves(now));",
        wrong: "let left = 0;",
        test: "--test closing i9_",
        cfg: None,
    },
    Mutant {
        name: "a later end replaces a sooner",
        file: "broadcaster.rs",
        right: "segments.closing.map_or(plan, |known| known.sooner(plan));",
        wrong: "plan;",
        test: "--test loom_ends l7_",
        cfg: LOOM,
    },
    // I6: the lap ends before somebody who was in it.
    Mutant {
        name: "lap not extended",
        file: "segment/feed.rs",
        right: "if self.lap.remaining > 0 {
            // The lap may be about to wrap round at the old end.
            self.lap.remaining += 1;
        }",
        wrong: "",
        test: "--lib feed",
        cfg: None,
    },
    // I6: who moved from before the lap's hand to behind it is passed over.
    Mutant {
        name: "moved reader not queued",
        file: "segment/membership.rs",
        right: "if in_lap {",
        wrong: "if in_lap && false {",
        test: "--test shuttle_crowd s1_",
        cfg: Some("shuttle"),
    },
    // What a slow reader gets depends on who came before it.
    Mutant {
        name: "run kept for everybody",
        file: "segment/feed.rs",
        right: "member.seen().is_some() && !lags(self.rule, self.total, member);",
        wrong: "member.seen().is_some();",
        test: "--test lagging i2_",
        cfg: None,
    },
    // I2.
    Mutant {
        name: "newest event lost too",
        file: "segment/lagging.rs",
        right: "CatchUp::Newest => 1,",
        wrong: "CatchUp::Newest => 0,",
        test: "--test lagging i2_",
        cfg: None,
    },
    // I4: a past that was asked for counts as lag.
    Mutant {
        name: "a resume lags",
        file: "segment/feed.rs",
        right: "total.saturating_sub(seen.max(member.came)) > most.get()",
        wrong: "total.saturating_sub(seen) > most.get()",
        test: "--test lagging i4_",
        cfg: None,
    },
    Mutant {
        name: "a resume catches up",
        file: "segment/feed.rs",
        right: "if gone && member.returning { 0 } else",
        wrong: "if false { 0 } else",
        test: "--test lagging i4_",
        cfg: None,
    },
    // I3: what was announced as lost comes all the same.
    Mutant {
        name: "merge from the cursor",
        file: "segment/merge.rs",
        right: "topic.log.read_each(accounted, head,",
        wrong: "topic.log.read_each(cursor, head,",
        test: "--test lagging i2_",
        cfg: None,
    },
    Mutant {
        name: "lag one short",
        file: "log.rs",
        right: "let index = seen.map_or(0, |seen| seen.saturating_sub(self.trimmed));",
        wrong: "let index = seen.map_or(0, |seen| seen.saturating_sub(self.trimmed) + 1);",
        test: "--test lagging lag_",
        cfg: None,
    },
    // I8: the topic can not be forgotten.
    Mutant {
        name: "stay attached",
        file: "segment/membership.rs",
        right: "self.detach(member.feed());",
        wrong: "",
        test: "--test lifetime i8",
        cfg: None,
    },
    // I11.
    Mutant {
        name: "any epoch resumes",
        file: "segment/membership.rs",
        right: "Position::After(id) if id.epoch != epoch => (None, Some((Some(id), Reason::Restart))),",
        wrong: "",
        test: "--test multi_topic i4_",
        cfg: None,
    },
    // I2: an event of another topic turns up below the cursor.
    Mutant {
        name: "head after logs",
        file: "segment/merge.rs",
        right: "pass.frames.retain(|(_, piece)| piece.sequence <= pass.through);",
        wrong: "if pass.unfinished == 0 && pass.gap.is_none() { pass.through = state.shared.head(); }
            pass.frames.retain(|(_, piece)| piece.sequence <= pass.through);",
        test: "--test loom_delivery l12_",
        cfg: LOOM,
    },
    // I2: a resume from one of them steps over the loss.
    Mutant {
        name: "events before their gap",
        file: "segment/merge.rs",
        right: "pass.through = pass.through.min(accounted);",
        wrong: "",
        test: "--test multi_topic i2",
        cfg: None,
    },
];
