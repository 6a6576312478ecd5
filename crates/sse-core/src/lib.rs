//! SSE core
#![forbid(unsafe_code)]

mod broadcaster;
mod decoder;
mod delivery;
mod event;
mod frame;
mod id;
mod log;
mod mailbox;
mod segment;
mod stats;
mod subscription;
mod sync;
mod topic;
mod topics;

pub use broadcaster::{Broadcaster, Config, PublishError, UnknownTopic};
pub use decoder::*;
pub use delivery::{Delivery, Lagged, Position, Reason};
pub use event::{Event, EventError, MAX_NAME, RESERVED_PREFIX};
pub use frame::Frame;
pub use id::{Epoch, EventId, ParseIdError};
pub use log::{Retention, Run};
pub use segment::{Deliveries, NoSink, NoTopic, Progress, Segment, SegmentConfig, Sink, SinkKey, Turn};
pub use stats::Stats;
pub use subscription::Subscription;
pub use topic::{MAX_TOPIC, TopicName, TopicNameError};
