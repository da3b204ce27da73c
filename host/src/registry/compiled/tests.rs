use super::*;
use wasmtime::Config;

const DIGEST: [u8; 32] = [7; 32];

fn engine() -> Engine {
    let mut config = Config::new();
    config.wasm_component_model(true);
    Engine::new(&config).unwrap()
}

/// A folder that has the component, and the path of its one compiled file.
fn stored(engine: &Engine) -> (tempfile::TempDir, Compiled, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let compiled = Compiled::open(&dir.path().join("compiled"), engine).unwrap();
    let text =
        "(component (core module $m (func (export \"f\"))) (core instance (instantiate $m)))";
    let component = Component::new(engine, wat::parse_str(text).unwrap()).unwrap();
    compiled.store(&DIGEST, &component);
    let path = compiled.path(&DIGEST);
    assert!(path.exists());
    (dir, compiled, path)
}

#[test]
fn what_was_compiled_is_found_by_the_next_process() {
    let engine = engine();
    let (dir, compiled, _) = stored(&engine);
    assert!(compiled.load(&engine, &DIGEST).is_some());
    assert!(compiled.load(&engine, &[8; 32]).is_none());
    let next = Compiled::open(&dir.path().join("compiled"), &engine).unwrap();
    assert!(next.load(&engine, &DIGEST).is_some());
}

#[test]
fn a_file_that_was_changed_anywhere_is_not_used() {
    let engine = engine();
    let (_dir, compiled, path) = stored(&engine);
    let good = std::fs::read(&path).unwrap();
    for at in [0, TAG_BYTES - 1, TAG_BYTES, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert!(compiled.load(&engine, &DIGEST).is_none(), "byte {at}");
    }
    for length in [0, 1, TAG_BYTES, good.len() - 1] {
        std::fs::write(&path, &good[..length]).unwrap();
        assert!(compiled.load(&engine, &DIGEST).is_none(), "{length} bytes");
    }
    std::fs::write(&path, &good).unwrap();
    assert!(compiled.load(&engine, &DIGEST).is_some());
}

#[test]
fn a_file_is_good_for_its_component_only() {
    let engine = engine();
    let (_dir, compiled, path) = stored(&engine);
    std::fs::copy(&path, compiled.path(&[8; 32])).unwrap();
    assert!(compiled.load(&engine, &[8; 32]).is_none());
}

#[test]
fn a_file_of_another_engine_is_not_even_looked_at() {
    let engine = engine();
    let (dir, _, path) = stored(&engine);
    let mut config = Config::new();
    config.wasm_component_model(true).epoch_interruption(true);
    let other = Engine::new(&config).unwrap();
    let next = Compiled::open(&dir.path().join("compiled"), &other).unwrap();
    assert!(next.load(&other, &DIGEST).is_none());
    std::fs::copy(&path, next.path(&DIGEST)).unwrap();
    assert!(next.load(&other, &DIGEST).is_none());
}

#[test]
fn a_file_that_was_made_with_another_key_is_not_used() {
    let engine = engine();
    let (dir, _, _) = stored(&engine);
    let folder = dir.path().join("compiled");
    std::fs::remove_file(folder.join(KEY)).unwrap();
    let next = Compiled::open(&folder, &engine).unwrap();
    assert!(next.load(&engine, &DIGEST).is_none());
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let engine = engine();
    let (dir, _, _) = stored(&engine);
    let folder = dir.path().join("compiled");
    let key = folder.join(KEY);
    let mode = std::fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(
        Compiled::open(&folder, &engine).err().unwrap(),
        format!(
            "{}: others can read it (mode 644): `chmod 600` it, and replace it if someone may have",
            key.display()
        )
    );
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&key, "short").unwrap();
    assert_eq!(
        Compiled::open(&folder, &engine).err().unwrap(),
        format!("{}: it holds 5 bytes; 32 are needed", key.display())
    );
}
