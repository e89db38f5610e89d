//! A panic in somebody else's reader is damage of what it read, and nothing more.
//!
//! The Parquet reader can panic over bytes that make no sense. Here it is caught, silenced and made an error, so that one
//! file never ends a run and the user reads its name rather than a backtrace.

use std::panic::AssertUnwindSafe;
use std::sync::Once;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use polars::prelude::PolarsResult;
use polars::prelude::polars_err;

/// Guarded calls under way. The reader works on many threads, so a flag of one thread would not do.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Carries something out that may panic over damaged bytes.
pub(crate) fn guarded<T>(read: impl FnOnce() -> PolarsResult<T>) -> PolarsResult<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |it| {
            if UNDER_WAY.load(Ordering::Relaxed) == 0 {
                before(it);
            }
        }));
    });
    UNDER_WAY.fetch_add(1, Ordering::Relaxed);
    let answer = std::panic::catch_unwind(AssertUnwindSafe(read));
    UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    answer.unwrap_or_else(|_| Err(polars_err!(ComputeError: "its bytes make no sense as Parquet")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let answer = guarded(|| -> PolarsResult<()> { panic!("thrift") });
        assert!(answer.unwrap_err().to_string().contains("no sense"));
        assert!(guarded(|| Ok(1)).is_ok());
    }
}
