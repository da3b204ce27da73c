//! Turns: guests that compute for long share the processors but one, tick by
//! tick, so that those which do not are never behind them in a queue.

use super::TICK;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a call computes before it has to wait for turns: far longer than
/// asking for something and answering takes.
const FREE: Duration = Duration::from_millis(50);

/// The turns of one sandbox. Cloning gives another handle on the same turns.
#[derive(Clone)]
pub(super) struct Turns(Arc<Inner>);

struct Inner {
    /// How many guests have a turn in one tick.
    at_a_time: usize,
    /// The turns of this tick that nobody took yet. Who waits for one gets it
    /// in order of arrival.
    left: Semaphore,
}

impl Turns {
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with(processors.saturating_sub(1).max(1))
    }

    fn with(at_a_time: usize) -> Self {
        Self(Arc::new(Inner {
            at_a_time,
            left: Semaphore::new(0),
        }))
    }

    /// Gives out the turns of the next tick. Those that nobody took are gone.
    pub(super) fn tick(&self) {
        let unused = self.0.left.available_permits();
        self.0
            .left
            .add_permits(self.0.at_a_time.saturating_sub(unused));
    }

    /// Whether a call that computed for so many ticks has to wait for a turn.
    pub(super) fn is_due(ticks: u64) -> bool {
        u128::from(ticks) * TICK.as_millis() > FREE.as_millis()
    }

    /// Waits for a turn: one tick of computing.
    pub(super) async fn take(self) {
        // Never closed.
        if let Ok(turn) = self.0.left.acquire().await {
            turn.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn what_is_over_soon_never_waits() {
        let due: Vec<_> = (0..8).filter(|ticks| Turns::is_due(*ticks)).collect();
        assert_eq!(due, [6, 7]);
    }

    #[tokio::test]
    async fn so_many_have_a_turn_in_a_tick_in_order_of_arrival() {
        let turns = Turns::with(2);
        let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(turns.clone().take())).collect();
        let mut had = |tick: bool| -> Vec<usize> {
            if tick {
                turns.tick();
            }
            let mut had = Vec::new();
            for (number, turn) in waiting.iter_mut().enumerate() {
                if turn.now_or_never().is_some() {
                    had.push(number);
                    // It computes, and comes again.
                    *turn = Box::pin(turns.clone().take());
                }
            }
            had
        };
        assert_eq!(had(false), [] as [usize; 0]);
        assert_eq!(had(true), [0, 1]);
        assert_eq!(had(false), [] as [usize; 0]);
        assert_eq!(had(true), [2, 3]);
        assert_eq!(had(true), [0, 4]);
    }

    #[tokio::test]
    async fn turns_that_nobody_took_are_not_saved_up() {
        let turns = Turns::with(1);
        for _ in 0..10 {
            turns.tick();
        }
        assert!(turns.clone().take().now_or_never().is_some());
        assert!(turns.clone().take().now_or_never().is_none());
    }
}
