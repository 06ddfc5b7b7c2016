//! Arbitrary bytes as a workspace.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| campaignctl_fuzz::load_check(bytes));
