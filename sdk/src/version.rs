//! The version of the SDK, in the component: `koppel inspect` shows it.

const TEXT: &[u8] = env!("CARGO_PKG_VERSION").as_bytes();

/// In a custom section of its own, which nothing reads while it runs.
#[used]
#[expect(
    unsafe_code,
    reason = "a section of that name could clash with one of the linker; this one is ours"
)]
#[unsafe(link_section = "koppel-sdk")]
static VERSION: [u8; TEXT.len()] = {
    let mut text = [0; TEXT.len()];
    text.copy_from_slice(TEXT);
    text
};
