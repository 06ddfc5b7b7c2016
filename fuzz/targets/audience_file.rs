//! Arbitrary bytes as an audience file.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| campaignctl_fuzz::audience_file(bytes));
