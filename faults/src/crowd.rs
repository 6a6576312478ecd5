//! Many subscribers, some at a time.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::task::JoinSet;

use crate::Subscriber;

/// How many are at work at a time: fewer than the server's backlog takes.
const AT_A_TIME: usize = 64;

/// Opens so many streams.
///
/// # Errors
/// If one does not open.
pub async fn open_many(address: SocketAddr, target: &'static str, streams: usize) -> Result<Vec<Subscriber>> {
    each((0..streams).collect(), move |_| Subscriber::open(address, target, None)).await
}

/// Does something with each, many at a time. The results are in no order.
///
/// # Errors
/// The first.
pub async fn each<T, U, F>(all: Vec<T>, work: impl Fn(T) -> F + Clone + Send + 'static) -> Result<Vec<U>>
where
    T: Send + 'static,
    U: Send + 'static,
    F: Future<Output = Result<U>> + Send,
{
    let mut hands: Vec<Vec<T>> = (0..AT_A_TIME).map(|_| Vec::new()).collect();
    for (n, one) in all.into_iter().enumerate() {
        hands[n % AT_A_TIME].push(one);
    }
    let mut tasks = JoinSet::new();
    for hand in hands {
        let work = work.clone();
        tasks.spawn(async move {
            let mut done = Vec::with_capacity(hand.len());
            for one in hand {
                done.push(work(one).await?);
            }
            anyhow::Ok(done)
        });
    }
    let mut done = Vec::new();
    while let Some(some) = tasks.join_next().await {
        done.extend(some??);
    }
    Ok(done)
}

/// Does something with each, all at the same time: for streams, of which none must wait until another has ended. The
/// results are in no order.
///
/// # Errors
/// The first.
pub async fn all_at_once<T, U, F>(all: Vec<T>, work: impl Fn(T) -> F) -> Result<Vec<U>>
where
    U: Send + 'static,
    F: Future<Output = Result<U>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for one in all {
        tasks.spawn(work(one));
    }
    let mut done = Vec::new();
    while let Some(one) = tasks.join_next().await {
        done.push(one??);
    }
    Ok(done)
}
