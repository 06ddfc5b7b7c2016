//! Arbitrary bytes as a saved plan.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| campaignctl_fuzz::plan_file(bytes));
