//! Ctrl-C and termination: the first ends an apply in order, what is in flight is settled; the second
//! leaves it in doubt.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::apply::Interrupt;

/// The signals that ask a process to end. One that comes while nobody waits for it is kept for who does.
pub(super) struct Signals {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
}

impl Signals {
    /// Takes them over from the system, within a runtime.
    pub(super) fn new() -> Self {
        // Without a handler, a signal ends the process on the spot: what is in flight is in doubt then.
        Self {
            terminate: signal(SignalKind::terminate()).ok(),
            interrupt: signal(SignalKind::interrupt()).ok(),
        }
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            () = received(&mut self.terminate) => {}
            () = received(&mut self.interrupt) => {}
        }
    }
}

/// Tells `interrupted` when the process is asked to end, and when it is asked again; `say` is called with
/// what a person should know then.
pub(super) async fn listen(mut signals: Signals, interrupted: watch::Sender<Interrupt>, say: impl Fn(&str)) {
    signals.next().await;
    interrupted.send_replace(Interrupt::Settle);
    say("\nInterrupted: waiting for requests in flight. Press Ctrl-C again to leave them in doubt.\n");
    signals.next().await;
    interrupted.send_replace(Interrupt::Abandon);
    say("\nInterrupted again: requests in flight are left in doubt.\n");
    std::future::pending::<()>().await;
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
