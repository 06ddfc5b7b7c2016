//! The `campaignctl` binary.

fn main() {}
