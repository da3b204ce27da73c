//! What the suite finds in connectors that misbehave, each with exactly the
//! right findings.

use super::{found, judged, scenario};
use koppel_host::acceptance::Report;

/// The rules of the forger and of dice: a party that takes everything.
const PARTY: &str = "https://party.example/";

async fn clerk(ends: &str) -> Report {
    let text = format!("[grant]\nsettings = {{ ends = \"{ends}\" }}\n");
    judged("guests/clerk.wasm", scenario(&text)).await
}

async fn hostile(attack: &str) -> Report {
    let text = format!(
        "[grant]\nhttp = [{{ allow = \"{PARTY}*\", methods = [\"GET\"], activity = \"GetEmployerByEmployerId\" }}]\n[ask]\nlookup = [{{ {attack} }}]\n"
    );
    judged("guests/hostile.wasm", scenario(&text)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn show() {
    for ends in [
        "marked",
        "unmarked",
        "marked-as-failed",
        "unavailable",
        "refused",
        "trap",
        "marked-then-trap",
    ] {
        println!("clerk {ends}: {:#?}", found(&clerk(ends).await));
    }
    for attack in [
        "attack = \"panic\"",
        "attack = \"loop\"",
        "attack = \"memory-bomb\"",
        "attack = \"recursion\"",
        "attack = \"log-flood\"",
        "attack = \"look-around\"",
        "attack = \"false-denial\"",
        "attack = \"other-employer\", id = \"30cbb99f-d691-5ddb-b4af-7031857482c0\"",
        "attack = \"request\", url = \"https://party.example/a\"",
    ] {
        println!("hostile {attack}: {:#?}", found(&hostile(attack).await));
    }
}
