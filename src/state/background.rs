//! Waits for a network behind the synchronous seam of a store, with threads of its own: whoever asks may be anywhere, even in
//! another runtime.

use std::future::Future;
use std::io;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

/// What runs the futures of one store.
#[derive(Debug)]
pub(super) struct Background {
    /// There until the end.
    runtime: Option<Runtime>,
}

impl Background {
    /// Starts a thread.
    ///
    /// # Errors
    ///
    /// Returns the system's error where it gives no thread.
    pub(super) fn start() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("store").enable_all().build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Runs a future to its end, and keeps the caller's thread waiting for it.
    ///
    /// # Panics
    ///
    /// Panics where the future does.
    pub(super) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (done, result) = mpsc::sync_channel(1);
        let runtime = self.runtime.as_ref().expect("it is there until the end");
        let task = async move { drop(done.send(work.await)) };
        drop(runtime.spawn(task));
        result.recv().expect("a store's future does not panic")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Plain dropping waits, which no thread of another runtime may.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
