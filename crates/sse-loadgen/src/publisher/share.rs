//! Which events go over which connection: all of a topic over the same one.
//!
//! A server that reads several connections at once may take what arrives on them in any order. Were a topic's events
//! spread over them, two close to each other could change places on the way in, and the load tester would
//! blame the server for a reordering of its own making. So topic k goes over connection k mod n, in order.

/// The events of one connection, among those of all topics in turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    lane: u64,
    lanes: u64,
    topics: u64,
}

impl Share {
    /// One share for each of up to so many connections: no more than there are topics, since others would carry nothing.
    pub(super) fn among(connections: usize, topics: u32) -> impl Iterator<Item = Self> {
        let topics = u64::from(topics);
        let lanes = (connections as u64).clamp(1, topics);
        (0..lanes).map(move |lane| Self { lane, lanes, topics })
    }

    /// The first event, from the nth on, that is in this share. Constant, however many are not.
    pub(super) fn next(&self, n: u64) -> u64 {
        let topic = n % self.topics;
        let ahead = (self.lane + self.lanes - topic % self.lanes) % self.lanes;
        if topic + ahead < self.topics {
            return n.saturating_add(ahead);
        }
        // None is left in this turn of the topics.
        n.saturating_add(self.topics - topic + self.lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_in_one_share_and_a_topic_in_the_same() {
        for (connections, topics) in [(1, 1), (4, 1), (4, 4), (4, 10), (3, 7), (2, 1000), (0, 5)] {
            let shares: Vec<_> = Share::among(connections, topics).collect();
            assert!(shares.len() <= topics as usize);
            for (lane, share) in shares.iter().enumerate() {
                for n in 0..200 {
                    let found = (n..).find(|n| n % u64::from(topics) % shares.len() as u64 == lane as u64);
                    assert_eq!(Some(share.next(n)), found, "{connections} connections, {topics} topics");
                }
            }
        }
    }

    /// With as many connections as there are topics, or a multiple of the targets.
    #[test]
    fn a_share_has_topics_of_one_target() {
        for (targets, connections, topics) in [(2_u64, 4, 2), (2, 4, 10), (3, 6, 9), (4, 4, 4), (4, 12, 20)] {
            for (lane, share) in Share::among(connections, topics).enumerate() {
                let mut n = share.next(0);
                while n < 100 {
                    let topic = n % u64::from(topics);
                    assert_eq!(topic % targets, lane as u64 % targets, "{targets}, {connections}, {topics}");
                    n = share.next(n + 1);
                }
            }
        }
    }

    #[test]
    fn there_is_no_event_beyond_the_last() {
        assert!(Share::among(3, 7).all(|share| share.next(u64::MAX) == u64::MAX));
    }
}
