//! Whether this process has what sled needs before it looks at a file.
//!
//! Where it has not, sled panics, waits for ever for threads that could not be started, or calls the files corrupted: a
//! shortage is looked for before, and before anything is called damage.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, ErrorKind};
use std::sync::Mutex;
use std::thread;

/// What a process is to have room for.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes of memory.
    pub bytes: usize,
    /// Threads that run at a time, besides those that run already.
    pub threads: usize,
    /// Files and sockets that are open at a time, besides those that are open already.
    pub files: usize,
}

impl Room {
    /// What sled takes to open a store: a cache of 16 MiB, buffers, and the stacks of its first threads.
    pub(super) const TO_OPEN: Self = Self { bytes: 32 << 20, threads: 1, files: 4 };

    /// Proves that there is so much room now.
    ///
    /// # Errors
    ///
    /// Returns what the system has not: memory, threads, or open files.
    ///
    /// # Panics
    ///
    /// Never: the lock's holder does not.
    pub fn prove(self) -> io::Result<()> {
        let mut memory: Vec<u8> = Vec::new();
        memory.try_reserve_exact(self.bytes).map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
        drop(black_box(memory));
        let files = (0..self.files).map(|_| File::open("/dev/null")).collect::<io::Result<Vec<_>>>();
        drop(files?);
        let held = Mutex::new(());
        thread::scope(|scope| {
            // They stay until all of them are there.
            let _all_there = held.lock().expect("nobody panics with it");
            for _ in 0..self.threads {
                thread::Builder::new().spawn_scoped(scope, || drop(held.lock()))?;
            }
            Ok(())
        })
    }
}

/// Returns what there is too little of, if there is: then what went wrong says nothing of the files.
pub(super) fn shortage() -> Option<io::Error> {
    Room::TO_OPEN.prove().err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_named_and_what_is_there_passes() {
        Room { bytes: 1 << 20, threads: 3, files: 3 }.prove().unwrap();
        let much = Room { bytes: isize::MAX as usize, threads: 0, files: 0 };
        assert_eq!(much.prove().unwrap_err().kind(), ErrorKind::OutOfMemory);
        assert_eq!(much.prove().unwrap_err().to_string(), "out of memory");
    }
}
