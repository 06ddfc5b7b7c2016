//! How far an apply is: a bar on a terminal, a line every few seconds in a log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tokio::task::JoinHandle;

use crate::apply::Progress;
use crate::cli::shell::Shell;
use crate::render::text;

const REDRAW: Duration = Duration::from_millis(100);
const LOG: Duration = Duration::from_secs(5);
/// A store that takes so long to write does not answer.
const SILENCE: Duration = Duration::from_secs(3);

/// Progress that is being shown.
pub(super) struct Display {
    task: JoinHandle<()>,
    bar: ProgressBar,
}

impl Display {
    /// Stops showing it.
    pub(super) async fn end(self) {
        self.task.abort();
        // Aborted is how it ends; there is nothing else to learn from it.
        drop(self.task.await);
        self.bar.finish_and_clear();
    }
}

/// Starts to show progress towards so many targets, in so many requests.
pub(super) fn show(shell: &Shell, progress: Arc<Progress>, targets: u64, requests: u64) -> Display {
    if shell.is_conversation_terminal() {
        let bar = ProgressBar::with_draw_target(Some(requests), ProgressDrawTarget::stderr());
        let style = "{bar:24} {percent:>3} %  {msg}  {rate}  ETA {eta}";
        let style = ProgressStyle::with_template(style).expect("the template is well-formed");
        bar.set_style(style.with_key("rate", rate));
        let task = tokio::spawn(redraw(bar.clone(), progress));
        Display { task, bar }
    } else {
        let task = tokio::spawn(log(shell.speaker(), progress, targets, requests));
        Display { task, bar: ProgressBar::hidden() }
    }
}

fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let written = write!(out, "{:.0} requests/s", state.per_sec());
    written.expect("writing into the bar's own text cannot fail");
}

async fn redraw(bar: ProgressBar, progress: Arc<Progress>) {
    loop {
        bar.set_position(progress.requests());
        bar.set_message(counts(&progress));
        tokio::time::sleep(REDRAW).await;
    }
}

async fn log(
    say: impl Fn(&str) + Send + Sync + 'static,
    progress: Arc<Progress>,
    targets: u64,
    requests: u64,
) {
    let started = Instant::now();
    loop {
        tokio::time::sleep(LOG).await;
        let done = progress.requests();
        let elapsed = started.elapsed();
        #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
        let (rate, left) = (done as f64 / elapsed.as_secs_f64(), requests.saturating_sub(done) as f64);
        let eta = if rate > 0.0 {
            HumanDuration(Duration::from_secs_f64(left / rate)).to_string()
        } else {
            "unknown".into()
        };
        say(&format!(
            "{} of {} in {} of {}, {rate:.0} requests/s, {eta} left\n",
            counts(&progress),
            text::count(targets, "target"),
            text::number(done),
            text::count(requests, "request"),
        ));
    }
}

fn counts(progress: &Progress) -> String {
    let tally = progress.tally();
    let mut parts = vec![format!("{} accepted", text::number(tally.accepted))];
    if tally.rejected > 0 {
        parts.push(format!("{} rejected", text::number(tally.rejected)));
    }
    if tally.unknown > 0 {
        parts.push(format!("{} in doubt", text::number(tally.unknown)));
    }
    if progress.waiting() > 0 {
        parts.push("waiting for the vendor".to_owned());
    }
    if progress.writing().is_some_and(|time| time >= SILENCE) {
        parts.push("waiting for the ledger's store".to_owned());
    }
    parts.join(", ")
}
