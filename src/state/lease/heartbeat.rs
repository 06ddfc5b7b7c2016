//! The signs of a writer that has nothing to write.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use crate::state::error::StateErrorKind;
use crate::state::lease::Lease;

/// Says that a writer is there while it waits, plans or sends, on a thread of its own, until it is dropped.
#[derive(Debug)]
pub(in crate::state) struct Heartbeat {
    ends: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    pub(in crate::state) fn start(lease: &Arc<Lease>) -> std::io::Result<Self> {
        let (ends, ended) = channel::<()>();
        let lease = Arc::clone(lease);
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            while matches!(ended.recv_timeout(lease.terms.beat_every()), Err(RecvTimeoutError::Timeout)) {
                // One that cannot be written makes the proof too old, and whoever needs it says so.
                if lease.renew().is_err_and(|error| matches!(error.kind, StateErrorKind::Fenced { .. })) {
                    return;
                }
            }
        })?;
        Ok(Self { ends: Some(ends), thread: Some(thread) })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic; and if it did, its signs end, which is what is wanted here.
            drop(thread.join());
        }
    }
}
