//! Ctrl-C and termination: the first ends an apply in order, what is in flight is settled.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells `interrupted` when the process is asked to end.
pub(super) async fn listen(interrupted: watch::Sender<bool>) {
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(terminate) => terminate.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
    interrupted.send_replace(true);
    // A second one is not answered: what is in flight has a time-out, and its outcome is worth the wait.
    std::future::pending::<()>().await;
}
