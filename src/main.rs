//! The `campaignctl` binary.

fn main() -> std::process::ExitCode {
    campaignctl::cli::main()
}
