//! temporary
use crate::component::*;
use crate::function::*;
use crate::registry::*;
use crate::runner::Kind;
use crate::runner::rig::{Rig, SOURCE};
use futures_util::FutureExt;
use std::any::TypeId;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

static SEEN: AtomicU64 = AtomicU64::new(0);
#[inline(never)]
fn touch(n: u64) {
    std::hint::black_box(n);
}
async fn noop(n: u64) -> Result<(), std::io::Error> {
    touch(n);
    Ok(())
}

pub(crate) struct noopq {}
static ENTRY: ServiceEntry = ServiceEntry {
    name: "noopq",
    description: "",
    source: SOURCE,
    handle: TypeId::of::<noopq>,
    edges: &[],
    after: &[],
    options: &[],
    kind: Kind::queued::<noopq>(),
};
impl Handle for noopq {
    const ENTRY: &'static ServiceEntry = &ENTRY;
}
impl Queued for noopq {
    type Payload = u64;
    type Needs = ();
    fn call<'r>(payload: u64, (): Given<'r, ()>) -> impl Future<Output = Ended> + Send + 'r {
        async move { ended(noop(payload).await) }
    }
}

pub(crate) struct S1(u64);
static S1N: Node = Node {
    name: "S1",
    source: SOURCE,
    lifetime: Lifetime::Scoped,
    generic: false,
    edges: &[],
    recipe: Recipe::component::<S1>(),
};
impl Component for S1 {
    const NODE: NodePtr = NodePtr::of(&S1N);
}
impl Construct for S1 {
    type Product = Self;
    type Needs = ();
    fn construct((): Given<'_, ()>) -> Constructed<'_, Self> {
        Constructed::Now(Ok(S1(7)))
    }
}

async fn full(n: u64, s: &S1, t: CancellationToken) -> Result<(), std::io::Error> {
    touch(n + s.0);
    std::hint::black_box(&t);
    Ok(())
}
pub(crate) struct fullq {}
static ENTRY2: ServiceEntry = ServiceEntry {
    name: "fullq",
    description: "",
    source: SOURCE,
    handle: TypeId::of::<fullq>,
    edges: &[Edge::shared::<S1>("s"), Edge::of::<kind::Queued, CancellationToken>("t")],
    after: &[],
    options: &[],
    kind: Kind::queued::<fullq>(),
};
impl Handle for fullq {
    const ENTRY: &'static ServiceEntry = &ENTRY2;
}
impl Queued for fullq {
    type Payload = u64;
    type Needs = (Lent<S1>, CancellationToken);
    fn call<'r>(payload: u64, (s, t): Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send + 'r {
        async move { ended(full(payload, s, t).await) }
    }
}

const N: u64 = if cfg!(debug_assertions) { 1 } else { 200_000 };

async fn hostkit<F: Queued<Payload = u64>>(options: &[(&str, &str)]) -> f64 {
    let rig = Rig::new::<F>(options, vec![]);
    let end = rig.start();
    let queue = rig.queue::<F>();
    let start = Instant::now();
    let p = tokio::spawn(async move {
        for n in 0..N {
            queue.enqueue(n).await.unwrap();
        }
    });
    p.await.unwrap();
    rig.stop();
    end.await.unwrap();
    assert_eq!(rig.runner.counts().unwrap().done, N);
    N as f64 / start.elapsed().as_secs_f64()
}

async fn pool(workers: usize) -> f64 {
    let (tx, rx) = async_channel::bounded::<u64>(100);
    let start = Instant::now();
    let ws: Vec<_> = (0..workers)
        .map(|_| {
            let rx = rx.clone();
            tokio::spawn(async move {
                let mut bad = 0u64;
                while let Ok(n) = rx.recv().await {
                    match AssertUnwindSafe(noop(n)).catch_unwind().await {
                        Ok(Ok(())) => {}
                        _ => bad += 1,
                    }
                }
                bad
            })
        })
        .collect();
    let p = tokio::spawn(async move {
        for n in 0..N {
            tx.send(n).await.unwrap();
        }
    });
    p.await.unwrap();
    for w in ws {
        w.await.unwrap();
    }
    N as f64 / start.elapsed().as_secs_f64()
}

async fn mpsc() -> f64 {
    let (tx, mut rx) = tokio::sync::mpsc::channel::<u64>(100);
    let start = Instant::now();
    let w = tokio::spawn(async move {
        let mut bad = 0u64;
        while let Some(n) = rx.recv().await {
            match AssertUnwindSafe(noop(n)).catch_unwind().await {
                Ok(Ok(())) => {}
                _ => bad += 1,
            }
        }
        bad
    });
    let p = tokio::spawn(async move {
        for n in 0..N {
            tx.send(n).await.unwrap();
        }
    });
    p.await.unwrap();
    w.await.unwrap();
    N as f64 / start.elapsed().as_secs_f64()
}

async fn spawning() -> f64 {
    let (tx, mut rx) = tokio::sync::mpsc::channel::<u64>(100);
    let start = Instant::now();
    let sem = Arc::new(tokio::sync::Semaphore::new(16));
    let w = tokio::spawn(async move {
        let tracker = tokio_util::task::TaskTracker::new();
        while let Some(n) = rx.recv().await {
            let permit = Arc::clone(&sem).acquire_owned().await.unwrap();
            tracker.spawn(async move {
                let r = AssertUnwindSafe(noop(n)).catch_unwind().await;
                drop(permit);
                if r.is_err() {
                    SEEN.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        tracker.close();
        tracker.wait().await;
    });
    let p = tokio::spawn(async move {
        for n in 0..N {
            tx.send(n).await.unwrap();
        }
    });
    p.await.unwrap();
    w.await.unwrap();
    N as f64 / start.elapsed().as_secs_f64()
}

async fn full_loop() -> f64 {
    let (tx, rx) = async_channel::bounded::<u64>(100);
    let start = Instant::now();
    let stop = CancellationToken::new();
    let w = tokio::spawn(async move {
        let mut bad = 0u64;
        while let Ok(n) = rx.recv().await {
            let token = stop.child_token();
            let s = Arc::new(S1(7));
            match tokio::time::timeout(
                std::time::Duration::from_secs(5),
                AssertUnwindSafe(full(n, &s, token)).catch_unwind(),
            )
            .await
            {
                Ok(Ok(Ok(()))) => {}
                _ => bad += 1,
            }
        }
        bad
    });
    let p = tokio::spawn(async move {
        for n in 0..N {
            tx.send(n).await.unwrap();
        }
    });
    p.await.unwrap();
    w.await.unwrap();
    N as f64 / start.elapsed().as_secs_f64()
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

#[test]
#[ignore]
fn perf() {
    for multi in [false, true] {
        let rt = if multi {
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
        } else {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
        };
        let mut r: Vec<Vec<f64>> = vec![vec![]; 8];
        for _ in 0..7 {
            r[0].push(rt.block_on(async { tokio::spawn(hostkit::<noopq>(&[])).await.unwrap() }));
            r[1].push(rt.block_on(async { tokio::spawn(pool(1)).await.unwrap() }));
            r[2].push(rt.block_on(async { tokio::spawn(mpsc()).await.unwrap() }));
            r[3].push(rt.block_on(async { tokio::spawn(hostkit::<noopq>(&[("concurrency", "16")])).await.unwrap() }));
            r[4].push(rt.block_on(async { tokio::spawn(pool(16)).await.unwrap() }));
            r[5].push(rt.block_on(async { tokio::spawn(spawning()).await.unwrap() }));
            r[6].push(rt.block_on(async { tokio::spawn(hostkit::<fullq>(&[("timeout", "5s")])).await.unwrap() }));
            r[7].push(rt.block_on(async { tokio::spawn(full_loop()).await.unwrap() }));
        }
        let m: Vec<f64> = r.into_iter().map(median).collect();
        println!("multi={multi} ns/item: {:?}", m.iter().map(|x| (1e9 / x) as u64).collect::<Vec<_>>());
        println!(" c1 vs same channel {:.2} (0.7)  vs mpsc {:.2} (0.6)", m[0] / m[1], m[0] / m[2]);
        println!(" c16 vs spawn {:.2} (2)  vs pool {:.2} (0.6)", m[3] / m[5], m[3] / m[4]);
        println!(" full vs hand {:.2} (0.7)", m[6] / m[7]);
    }
}

#[test]
#[ignore]
fn count() {
    let which = std::env::var("WHICH").unwrap();
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    rt.block_on(async {
        tokio::spawn(async move {
            match which.as_str() {
                "h1" => hostkit::<noopq>(&[]).await,
                "p1" => pool(1).await,
                "m" => mpsc().await,
                "h16" => hostkit::<noopq>(&[("concurrency", "16")]).await,
                "p16" => pool(16).await,
                "s" => spawning().await,
                "hf" => hostkit::<fullq>(&[("timeout", "5s")]).await,
                "pf" => full_loop().await,
                _ => 0.0,
            }
        })
        .await
        .unwrap()
    });
}
