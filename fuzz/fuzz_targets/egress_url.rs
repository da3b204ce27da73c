#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| koppel_host::fuzzing::egress_url(data));
