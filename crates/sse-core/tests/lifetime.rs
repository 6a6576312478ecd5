//! Wake-ups, coming and going: nobody is forgotten, nothing is kept, and code of others may do what it likes.

mod common;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use common::*;
use sse_core::{Delivery, Position, Run, Segment, Subscription, Turn};

/// A task of which only this is known: what it does when it is woken, and what when it is dropped.
struct Task<W: Fn() + Send + Sync + 'static, D: Fn() + Send + Sync + 'static>(W, D);

impl<W: Fn() + Send + Sync, D: Fn() + Send + Sync> Wake for Task<W, D> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

impl<W: Fn() + Send + Sync, D: Fn() + Send + Sync> Drop for Task<W, D> {
    fn drop(&mut self) {
        (self.1)();
    }
}

fn on_wake(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Task(f, || ())))
}

fn on_drop(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Task(|| (), f)))
}

thread_local! {
    /// What a task owns. A waker can be sent to other threads and can not hold it itself.
    static OWNED: RefCell<Vec<Subscription>> = const { RefCell::new(Vec::new()) };
}

fn own(subscription: Subscription) {
    OWNED.with_borrow_mut(|owned| owned.push(subscription));
}

fn drop_owned() {
    drop(OWNED.take());
}

fn park(subscription: &mut Subscription, waker: &Waker) {
    assert!(poll(subscription, waker).is_pending());
}

/// However others come and go during a sweep, whoever waits is woken, and once.
#[test]
fn i6_i7_all_who_wait_are_woken_though_others_come_and_go() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let broadcaster = broadcaster();
        let segment = in_slices_of(random.usize(1..6), &broadcaster);
        let reader = || {
            let (wakes, waker) = counting_waker();
            let mut subscription = subscribe(&segment, &["t"], Position::Now);
            park(&mut subscription, &waker);
            (subscription, wakes)
        };
        let mut waiting: Vec<_> = (0..random.usize(1..30)).map(|_| reader()).collect();
        for _ in 0..random.usize(1..3) {
            publish(&broadcaster, "t", "x");
            segment.turn(clock());
        }
        let mut later = Vec::new();
        while segment.turn(clock()) == Turn::More {
            if random.bool() {
                drop(waiting.swap_remove(random.usize(..waiting.len())));
            }
            if random.bool() {
                later.push(reader());
            }
            if waiting.is_empty() {
                break;
            }
        }
        settle(&segment);
        for (_, wakes) in &waiting {
            assert_eq!(wakes.count(), 1, "seed {seed}");
        }
        for (subscription, wakes) in &mut later {
            assert_eq!(
                (wakes.count(), drain(subscription).len()),
                (0, 0),
                "seed {seed}: nothing has come since"
            );
        }
    }
}

#[test]
fn i6_the_latest_waker_is_woken_and_no_other() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    let [(first, first_waker), (second, second_waker)] = [counting_waker(), counting_waker()];
    park(&mut subscription, &first_waker);
    park(&mut subscription, &second_waker);
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1, "I8: a waker that was replaced is dropped");
    publish(&broadcaster, "t", "x");
    park(&mut subscription, &second_waker);
    settle(&segment);
    assert_eq!((first.count(), second.count()), (0, 1));

    let [(first, first_waker), (second, second_waker)] = [counting_waker(), counting_waker()];
    assert!(!is_marked(&segment, &first_waker) && !is_marked(&segment, &second_waker));
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1);
    publish(&broadcaster, "t", "x");
    assert_eq!(second.count(), 1);
}

#[test]
fn i6_an_abandoned_wait_loses_nothing() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    let (wakes, waker) = counting_waker();
    for n in 1..=3 {
        {
            let mut abandoned = Box::pin(subscription.next());
            let mut context = std::task::Context::from_waker(&waker);
            assert!(abandoned.as_mut().poll(&mut context).is_pending());
            publish(&broadcaster, "t", "x");
            settle(&segment);
        }
        assert_eq!(wakes.take(), 1);
        assert_eq!(drain(&mut subscription), [Seen::Event(n, "x".into())]);
    }
}

#[test]
fn i8_nothing_of_a_dropped_subscription_is_called_or_kept() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut parked = subscribe(&segment, &["t", "u"], Position::Now);
    let mut stays = subscribe(&segment, &["t"], Position::Now);
    let (wakes, waker) = counting_waker();
    park(&mut parked, &waker);
    drop(waker);
    publish(&broadcaster, "t", "x");
    drop(parked);
    assert_eq!(Arc::strong_count(&wakes), 1);
    settle(&segment);
    assert_eq!(wakes.count(), 0);
    assert_eq!((segment.len(), broadcaster.stats().subscribers), (1, 1));
    assert_eq!(drain(&mut stays).len(), 1);
    advance(Duration::from_secs(60));
    assert_eq!(expire(&broadcaster), 1, "nobody is left in u");
}

#[test]
fn i8_a_dropped_segment_keeps_no_waker() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let subscription = subscribe(&segment, &["t"], Position::Now);
    settle(&segment);
    let (wakes, waker) = counting_waker();
    assert!(!is_marked(&segment, &waker));
    drop(waker);
    drop((segment, subscription));
    assert_eq!(Arc::strong_count(&wakes), 1);
    publish(&broadcaster, "t", "x");
    broadcaster.close();
    assert_eq!(wakes.count(), 0);
}

#[test]
fn i8_ten_thousand_who_came_and_went_leave_nothing() {
    let broadcaster = retaining(3);
    let segment = in_slices_of(3, &broadcaster);
    let mut random = fastrand::Rng::with_seed(7);
    let mut here = Vec::new();
    for n in 0..10_000 {
        let names = [format!("{}", n % 7), format!("{}", n % 11), format!("once {n}")];
        let names: Vec<&str> = names[..random.usize(1..=3)].iter().map(String::as_str).collect();
        let mut subscription = subscribe(&segment, &names, Position::Earliest);
        if random.bool() {
            drain(&mut subscription);
        }
        here.push(subscription);
        if random.bool() {
            publish(&broadcaster, names[0], "x");
        }
        if random.bool() {
            segment.turn(clock());
        }
        while here.len() > 20 {
            here.swap_remove(random.usize(..here.len()));
        }
    }
    drop(here);
    settle(&segment);
    assert!(segment.is_empty());
    assert_eq!(broadcaster.stats().subscribers, 0);
    assert!(!is_marked(&segment, Waker::noop()));
    advance(Duration::from_secs(3600));
    expire(&broadcaster);
    assert_eq!((broadcaster.stats().topics, broadcaster.stats().retained_bytes), (0, 0));
}

/// A task that is dropped with its last waker drops what it owns, wherever that happens.
#[test]
fn i8_a_waker_may_take_another_subscription_along() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let subscription = || {
        own(subscribe(&segment, &["t"], Position::Now));
        let mut subscription = subscribe(&segment, &["t"], Position::Now);
        park(&mut subscription, &on_drop(drop_owned));
        assert_eq!(segment.len(), 2);
        subscription
    };
    drop(subscription());
    assert_eq!(segment.len(), 0, "dropped with the subscription");

    let mut replaced = subscription();
    park(&mut replaced, Waker::noop());
    assert_eq!(segment.len(), 1, "dropped when another waker takes its place");
    drop(replaced);

    let mut woken = subscription();
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(segment.len(), 1, "dropped when it was woken");
    assert_eq!(drain(&mut woken).len(), 1);

    own(woken);
    assert!(!is_marked(&segment, &on_drop(drop_owned)));
    assert!(!is_marked(&segment, Waker::noop()));
    assert_eq!(segment.len(), 0, "dropped with the waker of the segment's task");
}

#[test]
fn i8_the_task_of_a_segment_may_be_dropped_with_it() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let publisher = broadcaster.clone();
    let waker = on_drop(move || {
        publish(&publisher, "t", "from the destructor");
    });
    assert!(!is_marked(&segment, &waker));
    drop(waker);
    drop(segment);
    assert_eq!(broadcaster.stats().published, 1);
    assert_eq!(broadcaster.stats().subscribers, 0);
}

#[test]
fn i10_who_is_woken_may_publish() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    let publisher = broadcaster.clone();
    let waker = on_wake(move || {
        publish(&publisher, "t", "by the task");
    });
    park(&mut subscription, &waker);
    settle(&segment);
    let publisher = broadcaster.clone();
    let waker = on_wake(move || {
        publish(&publisher, "t", "by the segment's task");
    });
    assert!(!is_marked(&segment, &waker));
    publish(&broadcaster, "t", "at first");
    settle(&segment);
    let data = ["at first", "by the segment's task", "by the task"];
    let expected: Vec<_> = (1..).zip(data).map(|(n, data)| Seen::Event(n, data.into())).collect();
    assert_eq!(drain(&mut subscription), expected);
}

/// An executor that runs a task as soon as it is woken: publishing delivers, all on one stack.
#[test]
fn i10_who_is_woken_may_use_the_segment_at_once() {
    thread_local! {
        static SEGMENT: RefCell<Option<Segment>> = const { RefCell::new(None) };
        static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
    }
    fn take() {
        let mut owned = OWNED.take();
        let waker = on_wake(take);
        SEEN.with_borrow_mut(|seen| seen.extend(owned.iter_mut().flat_map(|own| drain_with(own, &waker))));
        OWNED.set(owned);
    }
    fn turn() {
        let segment = SEGMENT.with_borrow(|segment| segment.clone().unwrap());
        loop {
            settle(&segment);
            if !is_marked(&segment, &on_wake(turn)) {
                return;
            }
        }
    }
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    own(subscribe(&segment, &["t"], Position::Now));
    SEGMENT.set(Some(segment));
    take();
    turn();
    publish_many(&broadcaster, "t", 3);
    assert_eq!(sequences(&SEEN.take()), [1, 2, 3]);
    broadcaster.close();
    assert_eq!(SEEN.take(), [Seen::Closed]);
    drop_owned();
    SEGMENT.take();
}

#[test]
fn i12_a_task_that_panics_when_woken_takes_nobody_along() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut readers = [(); 3].map(|()| subscribe(&segment, &["t"], Position::Now));
    let (wakes, waker) = counting_waker();
    park(&mut readers[0], &waker);
    park(&mut readers[1], &on_wake(|| resume_unwind(Box::new("woken"))));
    park(&mut readers[2], &waker);
    publish(&broadcaster, "t", "x");
    catch_unwind(AssertUnwindSafe(|| settle(&segment))).unwrap_err();
    assert_eq!(wakes.count(), 2);
    settle(&segment);
    for reader in &mut readers {
        assert_eq!(drain_with(reader, &waker).len(), 1);
    }
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(wakes.count(), 5);
}

#[test]
fn i12_a_segments_task_that_panics_when_woken_takes_no_segment_along() {
    let broadcaster = broadcaster();
    let segments = [(); 3].map(|()| segment(&broadcaster));
    let mut readers = segments.each_ref().map(|segment| subscribe(segment, &["t"], Position::Now));
    segments.iter().for_each(|segment| assert_eq!(settle(segment), None));
    let (wakes, waker) = counting_waker();
    assert!(!is_marked(&segments[0], &waker));
    assert!(!is_marked(&segments[1], &on_wake(|| resume_unwind(Box::new("woken")))));
    assert!(!is_marked(&segments[2], &waker));
    catch_unwind(AssertUnwindSafe(|| publish(&broadcaster, "t", "x"))).unwrap_err();
    assert_eq!(wakes.count(), 2);
    for (segment, reader) in segments.iter().zip(&mut readers) {
        assert!(is_marked(segment, Waker::noop()));
        settle(segment);
        assert_eq!(drain(reader).len(), 1);
    }
    assert_eq!(publish(&broadcaster, "t", "x").sequence, 2);
}

#[test]
fn i12_who_could_not_subscribe_for_a_panic_has_no_place() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    assert!(!is_marked(&segment, &on_wake(|| resume_unwind(Box::new("woken")))));
    catch_unwind(AssertUnwindSafe(|| subscribe(&segment, &["t"], Position::Now))).unwrap_err();
    advance(Duration::from_secs(60));
    assert_eq!((segment.len(), expire(&broadcaster)), (0, 1));
}

#[test]
fn i12_a_task_that_panics_when_dropped_takes_nobody_along() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let [mut panics, mut stays] = [(); 2].map(|()| subscribe(&segment, &["t"], Position::Now));
    let (wakes, waker) = counting_waker();
    park(&mut panics, &on_drop(|| resume_unwind(Box::new("dropped"))));
    park(&mut stays, &waker);
    catch_unwind(AssertUnwindSafe(|| drop(panics))).unwrap_err();
    assert_eq!(segment.len(), 1);
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!((wakes.count(), drain(&mut stays).len()), (1, 1));
}

/// The next run, which has to be there.
fn run(subscription: &mut Subscription) -> Run {
    let Delivery::Frames(run) = next(subscription) else { panic!("nothing was lost") };
    run
}

#[test]
fn all_who_stand_at_one_place_are_given_the_same_bytes() {
    let broadcaster = broadcaster();
    let segments = [segment(&broadcaster), segment(&broadcaster)];
    let mut readers = [0, 0, 1, 1].map(|n: usize| subscribe(&segments[n], &["t"], Position::Now));
    let pointers = |runs: &[Run; 4]| runs.each_ref().map(|run| run.bytes().as_ptr());
    publish(&broadcaster, "t", "small");
    segments.iter().for_each(|segment| assert_eq!(settle(segment), None));
    let small = readers.each_mut().map(run);
    let [first, second, third, fourth] = pointers(&small);
    assert_eq!((first, third), (second, fourth), "copied once for a segment");
    publish(&broadcaster, "t", &"large".repeat(10_000));
    segments.iter().for_each(|segment| assert_eq!(settle(segment), None));
    let large = readers.each_mut().map(run);
    assert_eq!(pointers(&large), [large[0].bytes().as_ptr(); 4], "not copied at all");
}

#[test]
fn bytes_that_were_kept_for_others_are_not_given_when_there_are_more() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut readers = [(); 2].map(|()| subscribe(&segment, &["t"], Position::Now));
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(run(&mut readers[0]).frames(), 1);
    publish(&broadcaster, "t", "x");
    // Whoever comes anew brings the segment up to date.
    let _new = subscribe(&segment, &["t"], Position::Now);
    assert_eq!(run(&mut readers[1]).frames(), 2);
}

#[test]
fn i5_bytes_that_were_kept_for_others_are_let_go_with_the_next_turn() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut readers = [(); 2].map(|()| subscribe(&segment, &["t"], Position::Now));
    publish(&broadcaster, "t", "small");
    settle(&segment);
    let run = run(&mut readers[0]);
    assert!(!run.bytes().is_unique());
    settle(&segment);
    assert!(run.bytes().is_unique());
}

/// The log has forgotten how many there were, which whoever comes back has to be told; that others have kept the bytes
/// changes nothing.
#[test]
fn i2_bytes_that_were_kept_for_others_are_no_way_round_a_gap() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let before = Position::After(broadcaster.position());
    let mut readers = [(); 2].map(|()| subscribe(&segment, &["t"], before));
    publish_many(&broadcaster, "t", 100);
    settle(&segment);
    assert_eq!(run(&mut readers[0]).frames(), 100);
    advance(Duration::from_secs(301));
    expire(&broadcaster);
    let mut back = subscribe(&segment, &["t"], before);
    let uncounted =
        Seen::Lagged { topic: None, after: Some(0), before: 101, missed: None, reason: "expired" };
    assert_eq!(drain(&mut back), [uncounted]);
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(sequences(&drain(&mut back)), [101]);
}

#[test]
fn i2_whoever_was_given_what_others_had_kept_is_no_longer_coming_back() {
    let broadcaster = retaining(10);
    let segment = segment(&broadcaster);
    let before = Position::After(broadcaster.position());
    let mut readers = [(); 2].map(|()| subscribe(&segment, &["t"], before));
    publish_many(&broadcaster, "t", 10);
    settle(&segment);
    assert_eq!(run(&mut readers[0]).frames(), 10);
    advance(Duration::from_secs(301));
    expire(&broadcaster);
    let mut back = subscribe(&segment, &["t"], before);
    assert_eq!(sequences(&drain(&mut back)), (1..=10).collect::<Vec<_>>());
    publish_many(&broadcaster, "t", 15);
    settle(&segment);
    assert_eq!(drain(&mut back)[0], gap(10, 16, 5, "slow"));
}
