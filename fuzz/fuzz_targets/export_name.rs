#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| koppel_host::fuzzing::export_name(data));
