//! Waking several tasks, each of which runs its owner's code.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// Wakes all of them, even if one panics; the first panic then goes on to the caller (I12).
///
/// Whoever is in `wakers` has been noted as told, and will not be told again before it comes: the wake of one must
/// not be lost to the panic of another.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    let mut panicked = None;
    for waker in wakers {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            panicked.get_or_insert(panic);
        }
    }
    if let Some(panic) = panicked {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            resume_unwind(Box::new("woken"));
        }
    }

    struct Counts(AtomicUsize);

    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn i12_a_panic_keeps_no_other_from_being_woken() {
        let counts = Arc::new(Counts(AtomicUsize::new(0)));
        let counting = || Waker::from(Arc::clone(&counts));
        let panicking = || Waker::from(Arc::new(Panics));

        let wakers = [counting(), panicking(), counting(), panicking(), counting()];
        let panic = catch_unwind(AssertUnwindSafe(|| wake_all(wakers))).unwrap_err();

        assert_eq!(counts.0.load(Ordering::Relaxed), 3);
        assert_eq!(panic.downcast_ref(), Some(&"woken"));
    }
}
