//! Several topics as one stream, in the order of their sequences.
//!
//! The head is read first and bounds what is taken from each topic: an event that got its sequence before that is
//! either in its topic's log or its publisher still holds that topic's lock. So nothing at or below the bound can
//! turn up later, and one number remains an exact position in all topics. Frames are copied into a run of the
//! subscriber's own; a gap takes the place of the last frame that was lost.

use bytes::{Bytes, BytesMut};

use super::feed::{self, Lost};
use super::sink::Sink;
use super::state::State;
use super::subscriber::Stage;
use crate::delivery::Delivery;
use crate::log::Run;

/// What a subscriber of several topics is owed next. Linear in its topics and in the frames it gets.
pub(super) fn read<S: Sink>(state: &mut State<S>, key: usize) -> Option<Delivery> {
    let mut through = state.shared.head();
    let subscriber = &state.subscribers[key];
    let (cursor, limit) = (subscriber.cursor, state.config.run);
    let mut frames: Vec<(u64, usize, Bytes)> = Vec::new();
    let mut gap: Option<(usize, Lost)> = None;
    let mut scratch = Vec::new();
    for (nth, member) in subscriber.members.iter().enumerate() {
        let topic = state.feeds[member.feed].topic.state.lock();
        if let Some(lost) = feed::lost(&topic, member.seen) {
            through = through.min(lost.floor);
            if gap.as_ref().is_none_or(|(_, first)| lost.floor < first.floor) {
                gap = Some((nth, lost));
            }
            continue;
        }
        through = through.min(topic.log.read_each(cursor, through, limit, &mut scratch));
        drop(topic);
        frames.extend(scratch.drain(..).map(|(sequence, bytes)| (sequence, nth, bytes)));
    }
    frames.sort_unstable_by_key(|(sequence, ..)| *sequence);

    let mut size = 0;
    let fitting = frames
        .iter()
        .take_while(|(sequence, _, bytes)| {
            let first = size == 0;
            size += bytes.len();
            *sequence <= through && (first || size <= limit)
        })
        .count();
    let all = frames.get(fitting).is_none_or(|(sequence, ..)| *sequence > through);
    frames.truncate(fitting);

    let subscriber = &mut state.subscribers[key];
    match gap {
        Some(_) => drop(subscriber.lost_after.get_or_insert(cursor)),
        None => (subscriber.lost_after, subscriber.stage) = (None, Stage::Live),
    }
    let Some(&(last, ..)) = frames.last() else {
        let Some((nth, lost)) = gap.filter(|(_, lost)| lost.floor <= through) else {
            subscriber.cursor = cursor.max(through);
            return None;
        };
        return Some(state.announce(key, nth, &lost));
    };
    for (_, nth, _) in &frames {
        let seen = &mut subscriber.members[*nth].seen;
        *seen = seen.map(|seen| seen + 1);
    }
    subscriber.cursor = if all { through.max(last) } else { last };
    Some(Delivery::Frames(Run { frames: frames.len() as u64, last, bytes: concatenate(frames) }))
}

fn concatenate(mut frames: Vec<(u64, usize, Bytes)>) -> Bytes {
    if let [(.., only)] = frames.as_mut_slice() {
        return std::mem::take(only);
    }
    let mut run = BytesMut::with_capacity(frames.iter().map(|(.., bytes)| bytes.len()).sum());
    frames.iter().for_each(|(.., bytes)| run.extend_from_slice(bytes));
    run.freeze()
}
