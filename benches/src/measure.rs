//! Measuring: medians of what takes turns, so that whatever else the machine
//! does falls on all of it alike.

use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Gives the seconds that count, if not all of them do.
type Work<'a> = Box<dyn FnMut() -> Pin<Box<dyn Future<Output = Option<f64>> + 'a>> + 'a>;

/// Something whose time is measured.
pub(crate) struct Timed<'a> {
    /// How many operations one call of `work` makes.
    per: u32,
    work: Work<'a>,
    /// Seconds for one operation.
    samples: Vec<f64>,
}

impl<'a> Timed<'a> {
    /// One operation at a time.
    pub(crate) fn one<F: Future<Output = ()> + 'a>(work: impl FnMut() -> F + 'a) -> Self {
        Self::many(1, work)
    }

    /// Work that makes so many operations, which are too short for a clock.
    pub(crate) fn many<F: Future<Output = ()> + 'a>(
        per: u32,
        mut work: impl FnMut() -> F + 'a,
    ) -> Self {
        Self {
            per,
            work: Box::new(move || {
                let working = work();
                Box::pin(async move {
                    working.await;
                    None
                })
            }),
            samples: Vec::new(),
        }
    }

    /// One operation at a time, which says itself how long it took, in seconds.
    pub(crate) fn told<F: Future<Output = f64> + 'a>(mut work: impl FnMut() -> F + 'a) -> Self {
        Self {
            per: 1,
            work: Box::new(move || {
                let working = work();
                Box::pin(async move { Some(working.await) })
            }),
            samples: Vec::new(),
        }
    }
}

/// The medians of one operation of each, in seconds. They take turns for this
/// long, after a fifth of it that is not measured.
pub(crate) fn medians<const N: usize>(
    runtime: &Runtime,
    lasting: Duration,
    mut timed: [Timed<'_>; N],
) -> [f64; N] {
    runtime.block_on(async {
        for (phase, lasting) in [lasting / 5, lasting].into_iter().enumerate() {
            timed.iter_mut().for_each(|timed| timed.samples.clear());
            let began = Instant::now();
            while began.elapsed() < lasting || timed[0].samples.len() < 5 * phase {
                for timed in &mut timed {
                    let began = Instant::now();
                    let told = (timed.work)().await;
                    let took = told.unwrap_or_else(|| began.elapsed().as_secs_f64());
                    timed.samples.push(took / f64::from(timed.per));
                }
            }
        }
    });
    timed.map(|timed| median(timed.samples))
}

/// The median of some figures.
pub(crate) fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

type Task = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Something whose rate is measured: made by so many at a time.
pub(crate) struct Rated<'a> {
    sample: Box<dyn Fn(usize) -> f64 + 'a>,
}

impl<'a> Rated<'a> {
    /// What is to be done again and again with something of which each task has
    /// a handle.
    pub(crate) fn new<H, F>(runtime: &'a Runtime, of: &H, call: fn(H) -> F) -> Self
    where
        H: Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let of = of.clone();
        let task: Task = Arc::new(move || Box::pin(call(of.clone())));
        Self::told(move |at_a_time| again_and_again(runtime, &task, at_a_time))
    }

    /// What tells itself how often it was made in a second, by so many at a time,
    /// for one [`TURN`].
    pub(crate) fn told(sample: impl Fn(usize) -> f64 + 'a) -> Self {
        let sample = Box::new(sample);
        Self { sample }
    }

    /// With all threads of this process on one processor meanwhile, those that
    /// write included.
    pub(crate) fn on_one_processor(self) -> Self {
        Self::told(move |at_a_time| {
            let _pinned = Pinned::to(0);
            self.sample(at_a_time)
        })
    }

    /// How often it was made in a second, by so many at a time, for one [`TURN`].
    pub(crate) fn sample(&self, at_a_time: usize) -> f64 {
        (self.sample)(at_a_time)
    }
}

fn again_and_again(runtime: &Runtime, task: &Task, at_a_time: usize) -> f64 {
    let over = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..at_a_time)
            .map(|_| {
                let (task, over, count) = (task.clone(), over.clone(), count.clone());
                tokio::spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        task().await;
                        count.fetch_add(1, Ordering::Relaxed);
                        // The others have their turns, whether or not it
                        // had to wait.
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        // This is none of the threads of the runtime, whose clock may stand
        // still while they are busy.
        std::thread::sleep(TURN);
        over.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await.expect("a task of a measurement");
        }
    });
    count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// All threads of this process on one processor, until it is dropped.
pub(crate) struct Pinned {
    before: CpuSet,
}

impl Pinned {
    /// To the processor with this place among those that this thread may be on.
    pub(crate) fn to(at: usize) -> Self {
        let before = sched_getaffinity(None).expect("the processors of this thread");
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|at| before.is_set(*at));
        let mut one = CpuSet::new();
        one.set(allowed.nth(at).expect("as many processors"));
        place(&one);
        Self { before }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        place(&self.before);
    }
}

/// Puts all threads of this process on these processors. Those that they start
/// are there too.
fn place(on: &CpuSet) {
    let threads = std::fs::read_dir("/proc/self/task").expect("the threads");
    for thread in threads.flatten() {
        let id = thread.file_name().to_string_lossy().parse().ok();
        let Some(id) = id.and_then(Pid::from_raw) else {
            continue;
        };
        // It may have ended meanwhile.
        let _ = sched_setaffinity(Some(id), on);
    }
}

/// How long a turn of [`rates`] is.
const TURN: Duration = Duration::from_millis(200);

/// How many turns each has.
const TURNS: usize = 15;

/// How often something was made in a second; not a number where there is nothing
/// to measure.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    /// In most turns.
    pub(crate) median: f64,
    /// In its best turn. Other machines on the same processors only take away,
    /// and more from what takes two processors: those are compared by this.
    pub(crate) best: f64,
}

/// How often each is made in a second, by so many at a time. They take turns.
pub(crate) fn rates<const N: usize>(at_a_time: usize, rated: [Option<Rated<'_>>; N]) -> [Rate; N] {
    let mut samples = [const { Vec::new() }; N];
    for turn in 0..=TURNS {
        for (rated, samples) in rated.iter().zip(&mut samples) {
            let Some(rated) = rated else { continue };
            let sample = rated.sample(at_a_time);
            // The first turn is to warm up.
            if turn > 0 {
                samples.push(sample);
            }
        }
    }
    samples.map(|samples| Rate {
        best: samples.iter().copied().fold(f64::NAN, f64::max),
        median: median(samples),
    })
}

/// The memory of this process, in bytes: now, and the most that it ever had.
pub(crate) fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or_default() * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}
