//! Server-Sent Events without HTTP: framing, and a segmented pipeline broadcaster.
//!
//! An event is encoded once, appended to a log that all share, and pushed in parallel by segments, each of which serves
//! its own slice of the subscribers on its own thread. A subscriber is a position in the log; it owns no queue.
//!
//! ```text
//!  Broadcaster::publish                                     one per thread
//!    │ encode (outside of any lock)
//!    ▼
//!  ┌ topic's lock ──────────────────┐            ┌─▶ Segment ─▶ position ─▶ Subscription (a task polls it)
//!  │ sequence ─▶ append ─▶ mark ────┼─ one wake ─┼─▶ Segment ─▶ position ─▶ Sink (the segment writes to it)
//!  └────────────────────────────────┘ per segment└─▶ Segment ─▶ ...
//!               Log: [frame][frame][frame] …  ◀───────── everything behind a position, as one run of bytes
//! ```
//!
//! What follows from positions in one log, instead of a queue for each subscriber: history and live events are one
//! thing, so there is no seam between them for an event to fall through on a resume; a slow subscriber costs nothing
//! but its place; how far it lags is a subtraction, so it can be told; and a publisher never waits for anyone.
//!
//! # Layout
//!
//! | module | what it is |
//! | --- | --- |
//! | `event` → `frame` | what a publisher says, checked; and as wire bytes |
//! | `decoder` | the other direction: wire bytes, in any pieces, to events |
//! | `id` | epoch and sequence, the position that a client brings back |
//! | `log` → `topic` → `topics` | the frames that are retained; with its readers; by name |
//! | `broadcaster` → `mailbox` → `segment` | publish; tell a thread; serve its subscribers |
//! | `delivery` | what a subscriber is given |
//! | `shed` | one bound for the memory of all logs |
//! | `closing` | when everybody is told of the end |
//!
//! # Words
//!
//! A *run* is a stretch of frames that go out as one piece of bytes. A *position* is a place in the sequence, behind an
//! event; a subscriber's own is its *cursor*. A *mailbox* is where a segment is told which topics have something new, and
//! a *feed* such a topic as the segment sees it. A *lap* goes once round a feed's readers, in *slices*, one each *turn*. A
//! subscriber is *behind* when its topics have more than it was given; it *lagged* when some of that is gone.
//!
//! # What its owner has to do
//!
//! Drive each segment ([`Segment::turn`]), and call [`Broadcaster::expire`] a few times a second: frames that are too old
//! are let go of, and unused topics forgotten, only there and when something is published.
//!
//! # Example
//!
//! ```
//! use std::time::Instant;
//!
//! use sse_core::{Broadcaster, Config, Delivery, Event, Position, Segment, SegmentConfig, Turn};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let broadcaster = Broadcaster::new(Config::default());
//! let segment: Segment = Segment::new(&broadcaster, SegmentConfig::default());
//! let mut reader = segment.subscribe(["news".parse()?], Position::Now)?;
//!
//! let id = broadcaster.publish(&"news".parse()?, &Event::new(Some("greeting"), "hello\nworld")?)?;
//!
//! // Usually a task of the reader's thread does this whenever `poll_marked` is ready.
//! while segment.turn(Instant::now()) == Turn::More {}
//!
//! let Some(Delivery::Frames(run)) = reader.next().await else { panic!("the event is there") };
//! let expected = format!("event: greeting\ndata: hello\ndata: world\nid: {id}\n\n");
//! assert_eq!(run.bytes(), expected.as_bytes());
//! # Ok(())
//! # }
//! # let mut example = std::pin::pin!(example());
//! # let done = example.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
//! # assert!(matches!(done, std::task::Poll::Ready(Ok(()))));
//! ```
//!
//! And when a subscriber is slower than its topic forgets, it is told what it missed, exactly:
//!
//! ```
//! use sse_core::{Broadcaster, Config, Delivery, Event, Position, Reason, Segment, SegmentConfig};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::default();
//! config.retention.events = 2.try_into()?;
//! let broadcaster = Broadcaster::new(config);
//! let segment: Segment = Segment::new(&broadcaster, SegmentConfig::default());
//! let mut reader = segment.subscribe(["news".parse()?], Position::Now)?;
//!
//! for n in 1..=5 {
//!     broadcaster.publish(&"news".parse()?, &Event::message(&n.to_string()))?;
//! }
//! # while segment.turn(std::time::Instant::now()) == sse_core::Turn::More {}
//! let Some(Delivery::Lagged(gap)) = reader.next().await else { panic!("three of five are gone") };
//! assert_eq!((gap.missed, gap.reason), (Some(3), Reason::Slow));
//! let Some(Delivery::Frames(run)) = reader.next().await else { panic!("two are left") };
//! assert_eq!(run.frames(), 2);
//! # Ok(())
//! # }
//! # let mut example = std::pin::pin!(example());
//! # let done = example.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
//! # assert!(matches!(done, std::task::Poll::Ready(Ok(()))));
//! ```
//!
//! # Invariants
//!
//! The contract, which tests and models name by number.
//!
//! - **I1 Order.** Ids of a topic strictly rise. Every subscriber sees a part of the topic's order, in that order; of
//!   several publishers, each one's own order is kept.
//! - **I2 No silent loss.** What is lost of a topic to a subscriber is announced by exactly one [`Lagged`], before
//!   anything later is given, of whichever topic, so that every id is a position to resume from. Its count is exact; it
//!   is none only if the subscriber resumed from further back than the log remembers even as numbers.
//! - **I3 No duplicates.** None within a subscription, and none across a resume.
//! - **I4 Exact resume.** Behind a position, a subscriber gets what is retained behind it and all that comes later; if
//!   something in between is gone, or the position is of another epoch, in the future or none at all, one [`Lagged`]
//!   first.
//! - **I5 Bounded memory.** A topic retains what [`Retention`] allows, all of them what [`Config::budget`] does; a
//!   subscriber costs its place.
//! - **I6 No lost wake-up.** If there is something for a subscriber whose task waits, the task's latest waker will be
//!   woken, without another publish.
//! - **I7 No wake storm.** However many publishes come between two turns or two polls, they wake a segment, and a
//!   task, once.
//! - **I8 Removal on drop.** A dropped subscription is gone: nothing of it is called or kept.
//! - **I9 Close and end.** Each subscriber gets what was published before, then [`Delivery::Closed`] or
//!   [`Delivery::Ended`] once, then nothing; publishing is refused. A close may be told in waves, which leave nobody out.
//! - **I10 Publisher isolation.** A publish waits for no subscriber, and code of others (wakers, sinks) never runs
//!   under a lock.
//! - **I11 Epoch.** A position from before a restart, or in a topic that was forgotten, is never taken for a valid one.
//! - **I12 Progress under panic.** A waker that panics leaves everything else usable.

#![forbid(unsafe_code)]

mod broadcaster;
mod closing;
mod decoder;
mod delivery;
mod event;
mod frame;
mod id;
mod log;
mod mailbox;
mod segment;
mod shed;
mod stats;
mod sync;
mod topic;
mod topics;
mod wake;

pub use broadcaster::{Broadcaster, Config, PublishError, UnknownTopic};
pub use decoder::{DecodeError, Decoder, Item, Message};
pub use delivery::{Delivery, Lag, Lagged, Position, Reason};
pub use event::{Event, EventError, MAX_NAME, RESERVED_PREFIX};
pub use frame::Frame;
pub use id::{Epoch, EventId, ParseIdError};
pub use log::{Retention, Run};
pub use segment::{
    CatchUp, Deliveries, LagRule, LagRules, NoSink, Progress, Segment, SegmentConfig, Sink, SubscribeError,
    SubscriberKey, Subscription, Turn,
};
pub use stats::{Gaps, Stats};
pub use topic::{MAX_TOPIC, TopicName, TopicNameError};
pub use topics::TooManyTopics;
