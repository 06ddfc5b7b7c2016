//! What a command does where the system has too little for it: it ends with exit code 1 and says of what, as it does
//! wherever the trouble is the machine's and not the ledger's.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::domain::{Endpoint, Environment};
use crate::state::Room;

/// What every command needs: threads to read files on, and the files.
const OF_A_COMMAND: Room = Room { bytes: 8 << 20, threads: 4, files: 4 };
/// What an apply needs beside its connections: the runtime's files, signals, its threads and the sandbox's.
const OF_AN_APPLY: Room = Room { bytes: 32 << 20, threads: 8, files: 16 };

/// Makes an allocation that fails end the process with exit code 1, as long as the flag that it returns is up. Rust says
/// how much it wanted, and aborts.
pub(super) fn ends_in_order() -> Arc<AtomicBool> {
    let is_on = Arc::new(AtomicBool::new(true));
    let status = ExitStatus::Other as i32;
    // Without it, the process ends as any other does that is out of memory.
    drop(signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGABRT,
        status,
        Arc::clone(&is_on),
    ));
    is_on
}

/// Refuses to begin a command that could not end in order.
pub(super) fn prove_room() -> Result<(), Failure> {
    prove(OF_A_COMMAND)
}

/// Refuses to begin an apply whose runtime could not even be made.
pub(super) fn prove_room_to_begin_an_apply() -> Result<(), Failure> {
    prove(OF_AN_APPLY)
}

/// Refuses to begin an apply of so many requests that could not end in order.
pub(super) fn prove_room_to_send(environment: &Environment, requests: u64) -> Result<(), Failure> {
    let connections = usize::try_from(requests).unwrap_or(usize::MAX).min(environment.concurrency.get());
    // The sandbox has the other end of each.
    let ends = if environment.endpoint == Endpoint::Sandbox { 2 } else { 1 };
    prove(Room { files: OF_AN_APPLY.files + connections * ends, ..OF_AN_APPLY })
}

fn prove(room: Room) -> Result<(), Failure> {
    room.prove().map_err(|source| Failure::of_system("this process is given too little to begin", &source))
}
