//! What is measured as a time.

use serde::{Deserialize, Serialize};

/// A distribution of times that a run may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// From the start of an attempt until the TCP connection is there.
    Connect,
    /// From when the ramp planned a client's first attempt until it has its stream: what waited for its turn is in it.
    ConnectPlanned,
    /// From the start of an attempt until the response's head was read.
    Headers,
    /// From the start of an attempt until the first event was read.
    FirstEvent,
    /// From the planned publish until the event was read.
    Delivery,
    /// From the planned publish until the kernel had the event: a sample. What the tester itself adds is not in it.
    DeliveryWire,
    /// Delivery of what came again after a reconnect. In [`Delivery`](Self::Delivery) too.
    Replayed,
    /// Between two events of one client.
    Gap,
    /// Between a comment and what came before it.
    HeartbeatGap,
    /// Delivery to the clients of that sample, to compare.
    DeliverySampled,
    /// From the kernel's having an event until it was read: a sample.
    Lag,
    /// Time that a worker was busy before it looked again at what is readable; it looks at 1,024 clients at a time.
    Turn,
    /// From when streams were cut until a client had all that was published before it was back.
    Recovery,
    /// From when streams were cut until a client had a stream again.
    Reconnect,
    /// From the planned publish until the request was sent.
    PublishSlip,
    /// From sending a publish until its answer.
    PublishAck,
    /// From the planned arrival of a request until its first event with content.
    FirstToken,
    /// Between two events of a request.
    BetweenTokens,
    /// From the planned arrival of a request until its stream was complete.
    Stream,
    /// How late a thread that slept was woken.
    Hiccup,
}

impl Metric {
    /// Every one, in order.
    pub const ALL: &[Self] = &[
        Self::Connect,
        Self::ConnectPlanned,
        Self::Headers,
        Self::FirstEvent,
        Self::Delivery,
        Self::DeliveryWire,
        Self::Replayed,
        Self::Gap,
        Self::HeartbeatGap,
        Self::DeliverySampled,
        Self::Lag,
        Self::Turn,
        Self::Recovery,
        Self::Reconnect,
        Self::PublishSlip,
        Self::PublishAck,
        Self::FirstToken,
        Self::BetweenTokens,
        Self::Stream,
        Self::Hiccup,
    ];

    /// As it is called in reports and conditions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::ConnectPlanned => "connect_planned",
            Self::Headers => "headers",
            Self::FirstEvent => "first_event",
            Self::Delivery => "delivery",
            Self::DeliveryWire => "delivery_wire",
            Self::Replayed => "replayed",
            Self::Gap => "gap",
            Self::HeartbeatGap => "heartbeat_gap",
            Self::DeliverySampled => "delivery_sampled",
            Self::Lag => "lag",
            Self::Turn => "turn",
            Self::Recovery => "recovery",
            Self::Reconnect => "reconnect",
            Self::PublishSlip => "publish_slip",
            Self::PublishAck => "publish_ack",
            Self::FirstToken => "first_token",
            Self::BetweenTokens => "between_tokens",
            Self::Stream => "stream",
            Self::Hiccup => "hiccup",
        }
    }
}
