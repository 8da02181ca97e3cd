//! Delays between tries: the only user of the `backoff` crate.
//!
//! `backoff` is unmaintained (RUSTSEC-2025-0012) and stays behind this file, so that
//! replacing it touches nothing else.

use std::time::Duration;

use backoff::backoff::Backoff as _;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};

/// An endless sequence of growing, jittered delays.
#[derive(Debug)]
pub struct Delays {
    inner: ExponentialBackoff,
    max: Duration,
}

impl Delays {
    /// Delays that start near `first`, double, and stay near `max`; each is jittered by half.
    pub fn new(first: Duration, max: Duration) -> Self {
        let inner = ExponentialBackoffBuilder::new()
            .with_initial_interval(first)
            .with_max_interval(max)
            .with_multiplier(2.0)
            .with_randomization_factor(0.5)
            .with_max_elapsed_time(None)
            .build();
        Self { inner, max }
    }

    /// Delays of `interval`, jittered by a quarter: for options that name one interval.
    pub fn constant(interval: Duration) -> Self {
        let inner = ExponentialBackoffBuilder::new()
            .with_initial_interval(interval)
            .with_max_interval(interval)
            .with_multiplier(1.0)
            .with_randomization_factor(0.25)
            .with_max_elapsed_time(None)
            .build();
        Self {
            inner,
            max: interval,
        }
    }

    /// Starts over from the first delay, after a success.
    pub fn reset(&mut self) {
        self.inner.reset();
    }

    /// The next delay to wait; never ends.
    pub fn next_delay(&mut self) -> Duration {
        self.inner.next_backoff().unwrap_or(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_maximum_and_start_over() {
        let mut delays = Delays::new(Duration::from_millis(100), Duration::from_secs(1));
        let first = delays.next_delay();
        assert!(first <= Duration::from_millis(150), "{first:?}");
        let late: Vec<_> = (0..20).map(|_| delays.next_delay()).collect();
        assert!(late[10..].iter().all(|d| *d >= Duration::from_millis(500)));
        assert!(late.iter().all(|d| *d <= Duration::from_millis(1500)));
        delays.reset();
        assert!(delays.next_delay() <= Duration::from_millis(150));
    }
}
