//! Ctrl-C and termination: the first ends an apply in order, what is in flight is settled; the second
//! leaves it in doubt.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::apply::Interrupt;

/// Tells `interrupted` when the process is asked to end, and when it is asked again; `say` is called with
/// what a person should know then.
pub(super) async fn listen(interrupted: watch::Sender<Interrupt>, say: impl Fn(&str)) {
    // Without a handler, a signal ends the process on the spot: what is in flight is in doubt then.
    let mut terminate = signal(SignalKind::terminate()).ok();
    let mut interrupt = signal(SignalKind::interrupt()).ok();
    either(&mut terminate, &mut interrupt).await;
    interrupted.send_replace(Interrupt::Settle);
    say("\nInterrupted: waiting for what is in flight. Once more, and it is left in doubt.\n");
    either(&mut terminate, &mut interrupt).await;
    interrupted.send_replace(Interrupt::Abandon);
    say("\nInterrupted again: what is in flight is left in doubt.\n");
    std::future::pending::<()>().await;
}

async fn either(first: &mut Option<Signal>, second: &mut Option<Signal>) {
    tokio::select! {
        () = received(first) => {}
        () = received(second) => {}
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
