//! Several topics as one stream, in the order of their sequences.
//!
//! The head is read first and bounds what is taken from each topic: an event that got its sequence before that is
//! either in its topic's log or its publisher still holds that topic's lock. So nothing at or below the bound can
//! turn up later, and one number remains an exact position in all topics. Frames are copied into a run of the
//! subscriber's own.
//!
//! A loss in one topic is announced before anything that may lie behind its first frame is given, of whichever topic:
//! every frame carries its own id, and who resumes from that must not step over a loss that it was not told of.

use bytes::{Bytes, BytesMut};

use super::feed::Lost;
use super::state::State;
use crate::log::{Piece, Run};

/// Frames of several topics on their way into a run, each with which topic's it is.
type Frames = Vec<(usize, Piece)>;

/// What a subscriber of several topics finds behind its cursor.
#[derive(Debug)]
pub(super) enum Merged {
    /// Its nth topic has lost frames.
    Lost(usize, Lost),
    Nothing,
    Run(Run),
}

/// What a subscriber of several topics is owed next; frames count as given, a loss has yet to be announced.
///
/// A run is filled in passes, in each of which every topic that has more may give its part of what is still free. That
/// costs a lock for each topic and pass, and is otherwise linear in the frames; to read each topic as far as the run goes
/// would be that times the number of topics.
pub(super) fn read<S>(state: &mut State<S>, key: usize) -> Merged {
    let head = state.shared.head();
    let subscriber = &state.subscribers[key];
    let mut sharing = subscriber
        .members
        .iter()
        .filter(|member| subscriber.cursor < state.feeds[member.feed()].head)
        .count();
    let mut free = state.config.run;
    let mut run = Frames::new();
    loop {
        let pass = pass(state, key, head, free / sharing.max(1));
        if let Some((nth, lost)) = pass.gap
            && pass.frames.is_empty()
            && run.is_empty()
        {
            // Nothing is left before it, up to where a loss was announced before.
            let subscriber = &mut state.subscribers[key];
            subscriber.cursor = subscriber.cursor.max(pass.through);
            return Merged::Lost(nth, lost);
        }
        let taken = take(state, key, pass.frames, pass.through, free, &mut run);
        free = free.saturating_sub(taken.size);
        sharing = pass.unfinished;
        if sharing == 0 || taken.size == 0 || !taken.all {
            break;
        }
    }
    match run.as_slice() {
        [] => Merged::Nothing,
        [(_, first), ..] => Merged::Run(Run {
            frames: run.len() as u64,
            last: run[run.len() - 1].1.sequence,
            published: first.published,
            bytes: concatenate(run),
        }),
    }
}

/// What one look at all topics has found, none of it taken yet.
#[derive(Debug, Default)]
struct Pass {
    /// In order, and complete as far as `through`.
    frames: Frames,
    through: u64,
    /// How many topics have more than they gave.
    unfinished: usize,
    /// The loss to be announced when there are no frames before it.
    gap: Option<(usize, Lost)>,
}

fn pass<S>(state: &State<S>, key: usize, head: u64, part: usize) -> Pass {
    let subscriber = &state.subscribers[key];
    let cursor = subscriber.cursor;
    let mut pass = Pass { through: head, ..Pass::default() };
    let mut gap_begins = u64::MAX;
    let mut scratch = Vec::new();
    for (nth, member) in subscriber.members.iter().enumerate() {
        let feed = &state.feeds[member.feed()];
        let topic = feed.topic.state.lock();
        // Of what was announced, some may still be there, but no longer for this one.
        let accounted = cursor.max(member.announced);
        if let Some(lost) = feed.lost(&topic.log, member) {
            // Up to where a loss was announced before, this one has no part. Without that allowance, a topic that
            // loses more each time could keep the others from coming at all.
            pass.through = pass.through.min(accounted);
            if accounted < gap_begins {
                gap_begins = accounted;
                pass.gap = Some((nth, lost));
            }
            continue;
        }
        let complete = topic.log.read_each(accounted, head, part, &mut scratch);
        drop(topic);
        pass.unfinished += usize::from(complete < head);
        pass.through = pass.through.min(complete);
        pass.frames.extend(scratch.drain(..).map(|piece| (nth, piece)));
    }
    pass.frames.retain(|(_, piece)| piece.sequence <= pass.through);
    pass.frames.sort_unstable_by_key(|(_, piece)| piece.sequence);
    pass
}

#[derive(Debug)]
struct Taken {
    size: usize,
    /// Nothing was left for want of room.
    all: bool,
}

/// Moves as many frames to the run as are free, but at least one to an empty run, and the subscriber behind them.
fn take<S>(
    state: &mut State<S>,
    key: usize,
    frames: Frames,
    through: u64,
    free: usize,
    run: &mut Frames,
) -> Taken {
    let subscriber = &mut state.subscribers[key];
    let mut size = 0;
    for (nth, piece) in frames {
        if size + piece.bytes.len() > free && !run.is_empty() {
            return Taken { size, all: false };
        }
        size += piece.bytes.len();
        subscriber.cursor = piece.sequence;
        let member = &mut subscriber.members[nth];
        member.see(member.seen().map(|seen| seen + 1));
        run.push((nth, piece));
    }
    subscriber.cursor = subscriber.cursor.max(through);
    Taken { size, all: true }
}

fn concatenate(mut frames: Frames) -> Bytes {
    if let [(_, only)] = frames.as_mut_slice() {
        return std::mem::take(&mut only.bytes);
    }
    let mut run = BytesMut::with_capacity(frames.iter().map(|(_, piece)| piece.bytes.len()).sum());
    frames.iter().for_each(|(_, piece)| run.extend_from_slice(&piece.bytes));
    run.freeze()
}
