//! The `campaignctl` binary.

/// Ten thousand files are millions of small pieces: in the same run, this one took a fifth less time over them
/// than the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    campaignctl::cli::main()
}
