//! The topics by name, in parts that are locked one by one.

use std::collections::HashMap;
use std::hash::BuildHasher;

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
}

impl Topics {
    /// Enough that threads seldom meet in one, few enough that going round them is nothing.
    pub(crate) const PARTS: usize = if cfg!(any(loom, shuttle)) { 1 } else { 64 };

    pub(crate) fn new() -> Self {
        Self {
            parts: (0..Self::PARTS).map(|_| Mutex::new(Part::default())).collect(),
            hasher: RandomState::default(),
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn find(&self, name: &TopicName) -> Option<Arc<Topic>> {
        self.part(name).lock().get(name).cloned()
    }

    pub(crate) fn find_or_create(&self, name: &TopicName, create: impl FnOnce() -> Topic) -> Arc<Topic> {
        let mut part = self.part(name).lock();
        if let Some(topic) = part.get(name) {
            return Arc::clone(topic);
        }
        let topic = Arc::new(create());
        part.insert(name.clone(), Arc::clone(&topic));
        topic
    }

    /// Drops the topics of the next part for which `keep` is false, while nobody can find or create one there;
    /// answers how many.
    pub(crate) fn retain_next(&self, mut keep: impl FnMut(&Topic) -> bool) -> usize {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.parts.len();
        let mut part = self.parts[next].lock();
        let before = part.len();
        part.retain(|_, topic| keep(topic));
        if part.len() * 4 < part.capacity() {
            part.shrink_to_fit();
        }
        before - part.len()
    }

    pub(crate) fn for_each(&self, mut f: impl FnMut(&Topic)) {
        for part in &self.parts {
            part.lock().values().for_each(|topic| f(topic));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().len()).sum()
    }

    fn part(&self, name: &TopicName) -> &Mutex<Part> {
        &self.parts[self.hasher.hash_one(name) as usize % self.parts.len()]
    }
}
