//! The topics by name, in parts that are locked one by one.

use std::collections::HashMap;
use std::hash::BuildHasher;

use thiserror::Error;

use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, RandomState};
use crate::topic::{Topic, TopicName};

type Part = HashMap<TopicName, Arc<Topic>, RandomState>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Topics {
    parts: Box<[Mutex<Part>]>,
    hasher: RandomState,
    /// The part that [`retain_next`](Self::retain_next) comes to next.
    next: AtomicUsize,
    /// How many there are in all parts.
    count: AtomicUsize,
    most: usize,
}

/// There are as many topics as [`Config::max_topics`](crate::Config::max_topics) allows, and this one is not among them.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("there are as many topics as there may be")]
pub struct TooManyTopics;

impl Topics {
    /// Enough that threads seldom meet in one, few enough that going round them is nothing.
    pub(crate) const PARTS: usize = if cfg!(any(loom, shuttle)) { 1 } else { 64 };

    pub(crate) fn new(most: Option<usize>) -> Self {
        Self {
            parts: (0..Self::PARTS).map(|_| Mutex::new(Part::default())).collect(),
            hasher: RandomState::default(),
            next: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            most: most.unwrap_or(usize::MAX),
        }
    }

    pub(crate) fn find(&self, name: &TopicName) -> Option<Arc<Topic>> {
        self.part(name).lock().get(name).cloned()
    }

    /// The topic of that name, and whether it has come into being just now.
    pub(crate) fn find_or_create(
        &self,
        name: &TopicName,
        create: impl FnOnce() -> Topic,
    ) -> Result<(Arc<Topic>, bool), TooManyTopics> {
        let mut part = self.part(name).lock();
        if let Some(topic) = part.get(name) {
            return Ok((Arc::clone(topic), false));
        }
        let room = |count| (count < self.most).then_some(count + 1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).map_err(|_| TooManyTopics)?;
        let topic = Arc::new(create());
        part.insert(name.clone(), Arc::clone(&topic));
        Ok((topic, true))
    }

    /// Drops one topic if `keep` is false, while nobody can find or create it.
    pub(crate) fn retain_one(&self, name: &TopicName, keep: impl FnOnce(&Topic) -> bool) {
        let mut part = self.part(name).lock();
        if part.get(name).is_some_and(|topic| !keep(topic)) {
            part.remove(name);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Drops the topics of the next part for which `keep` is false, while nobody can find or create one there;
    /// answers how many.
    pub(crate) fn retain_next(&self, keep: impl FnMut(&Topic) -> bool) -> usize {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.parts.len();
        self.retain_in(&self.parts[next], keep)
    }

    /// The same in every part, one after another.
    pub(crate) fn retain_all(&self, mut keep: impl FnMut(&Topic) -> bool) -> usize {
        self.parts.iter().map(|part| self.retain_in(part, &mut keep)).sum()
    }

    fn retain_in(&self, part: &Mutex<Part>, mut keep: impl FnMut(&Topic) -> bool) -> usize {
        let mut part = part.lock();
        let before = part.len();
        part.retain(|_, topic| keep(topic));
        if part.len() * 4 < part.capacity() {
            part.shrink_to_fit();
        }
        let dropped = before - part.len();
        self.count.fetch_sub(dropped, Ordering::Relaxed);
        dropped
    }

    pub(crate) fn for_each(&self, mut f: impl FnMut(&Topic)) {
        for part in &self.parts {
            part.lock().values().for_each(|topic| f(topic));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn part(&self, name: &TopicName) -> &Mutex<Part> {
        &self.parts[self.hasher.hash_one(name) as usize % self.parts.len()]
    }
}
