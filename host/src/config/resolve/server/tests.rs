use crate::catalogue::id;
use crate::config::{Config, Server, Tokens};
use crate::platform::Owner;
use std::path::Path;
use uuid::Uuid;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("/k/platform.toml"), text).map_err(|error| error.to_string())
}

/// The faults of a configuration after `[platform]`, without path and column.
#[track_caller]
fn faults(text: &str) -> String {
    let text = format!("[platform]\n{text}");
    let error = Config::parse(Path::new("/k/platform.toml"), &text).unwrap_err();
    let faults = error.faults.iter();
    let told: Vec<_> = faults
        .map(|fault| format!("{}: {}", fault.line.unwrap_or_default(), fault.text))
        .collect();
    told.join("\n")
}

fn server(text: &str) -> Server {
    let config = parse(&format!("[platform]\n{text}"));
    config
        .unwrap_or_else(|error| panic!("{error}"))
        .server
        .unwrap()
}

const APPLICATION: &str = "[clients.hr-portal]\napplication = { id = \"9f3c0b8e-2f54-4bd1-9a58-5d5a2f7f3f10\", redirect-uris = [\"https://hr.example/back\"] }\n";

#[test]
fn a_client_is_a_connector_or_an_application() {
    assert_eq!(
        faults("[clients.a]\nactivities = []"),
        "2: client \"a\" is neither a connector nor an external application: add `component = \"…\"`, `oci = \"<registry>/<name>@sha256:…\"` or `application = { id = \"<uuid>\", redirect-uris = [\"https://…\"] }`"
    );
    let both = APPLICATION.to_owned() + "component = \"a.wasm\"";
    assert_eq!(
        faults(&both),
        "2: client \"hr-portal\" is a connector and an external application: remove `component` or `application`"
    );
    let settings = APPLICATION.to_owned() + "settings = {}\nlimits = {}";
    assert_eq!(
        faults(&settings),
        "2: client \"hr-portal\" is an external application: remove `settings`, which is for connectors\n\
         2: client \"hr-portal\" is an external application: remove `limits`, which is for connectors"
    );
    let config = parse(&format!("[platform]\n{APPLICATION}")).unwrap();
    assert!(config.clients.is_empty());
    assert_eq!(
        config.applications["hr-portal"].redirect_uris,
        ["https://hr.example/back"]
    );
    assert!(config.grants.clients.contains_key("hr-portal"));
}

#[test]
fn applications_have_an_id_of_their_own() {
    let two = APPLICATION.to_owned() + &APPLICATION.replace("hr-portal", "other");
    assert_eq!(
        faults(&two),
        "5: clients \"hr-portal\" and \"other\" have the same application id; each needs its own"
    );
}

#[test]
fn redirect_uris_are_absolute_and_not_over_plain_http() {
    for (uri, why) in [
        ("/back", "is not an absolute URL"),
        (
            "http://hr.example/back",
            "must be https, or http on this machine",
        ),
        (
            "javascript:alert(1)",
            "must be https, or http on this machine",
        ),
        ("https://hr.example/back#a", "has a fragment; remove it"),
        (
            "https://u@hr.example/back",
            "has user information; remove it",
        ),
        ("https://u:p@hr.example/", "has user information; remove it"),
    ] {
        let text = APPLICATION.replace("https://hr.example/back", uri);
        assert_eq!(faults(&text), format!("3: redirect URI {uri:?} {why}"));
    }
    for uri in [
        "http://127.0.0.1:9000/back",
        "http://[::1]/",
        "http://localhost/back",
    ] {
        let text = APPLICATION.replace("https://hr.example/back", uri);
        assert!(parse(&format!("[platform]\n{text}")).is_ok(), "{uri}");
    }
}

#[test]
fn tokens_come_from_one_place() {
    assert_eq!(
        faults("[server]"),
        "2: [server] accepts no tokens: add [server.issuer], or [server.oidc] with `issuer` and `audience`"
    );
    assert_eq!(
        faults(
            "[server]\n[server.issuer]\n[server.oidc]\nissuer = \"https://id.example\"\naudience = \"k\""
        ),
        "2: tokens come from one place: remove [server.issuer] or [server.oidc]"
    );
}

#[test]
fn what_other_machines_can_reach_is_not_over_plain_http() {
    assert_eq!(
        faults("[server]\nlisten = \"0.0.0.0:8080\"\n[server.issuer]"),
        "2: 0.0.0.0:8080 can be reached from other machines: add `public-url = \"https://…\"`, the address that they use"
    );
    assert_eq!(
        faults("[server]\npublic-url = \"http://koppel.example\"\n[server.issuer]"),
        "3: public-url must be https, or http on this machine: tokens and passwords go over it"
    );
    assert_eq!(
        faults("[server]\npublic-url = \"https://koppel.example/api\"\n[server.issuer]"),
        "3: public-url must be a scheme, a host and a port only: remove what follows"
    );
    assert_eq!(
        faults("[server.oidc]\nissuer = \"http://id.example\"\naudience = \"k\""),
        "3: the issuer must be an https URL, or http on this machine: its keys come over it"
    );
}

#[test]
fn a_server_has_defaults_for_one_machine() {
    let server = server("[server.issuer]");
    assert_eq!(server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(server.url("/v2"), "http://127.0.0.1:8080/v2");
    let Tokens::Issuer(issuer) = server.tokens else {
        panic!("{server:?}");
    };
    assert_eq!(issuer.signing_key, Path::new("/k/data/signing-key.pem"));
    assert_eq!(issuer.data, Path::new("/k/data/tokens.db"));
    assert_eq!(
        (issuer.access_token_seconds, issuer.refresh_token_days),
        (600, 30)
    );
}

#[test]
fn an_issuer_is_compared_as_it_is_written() {
    let Tokens::Oidc(oidc) =
        server("[server.oidc]\nissuer = \"https://id.example\"\naudience = \"k\"").tokens
    else {
        panic!("no OIDC");
    };
    assert_eq!(oidc.issuer, "https://id.example");
    assert_eq!(
        (oidc.user_claim, oidc.client_claim),
        ("sub".into(), "client_id".into())
    );
}

#[test]
fn the_lifetimes_of_tokens_have_bounds() {
    assert_eq!(
        faults("[server.issuer]\naccess-token-seconds = 9"),
        "2: access-token-seconds = 9 must be 10 to 86400"
    );
    assert_eq!(
        faults("[server.issuer]\nrefresh-token-days = 0"),
        "2: refresh-token-days = 0 must be 1 to 3650"
    );
    let without = APPLICATION.replace(", redirect-uris = [\"https://hr.example/back\"]", "");
    assert_eq!(
        faults(&format!("{without}[server.issuer]")),
        "4: application \"hr-portal\" has no redirect URI, so no user can log in with it; add `redirect-uris = [\"https://…\"]` to [clients.hr-portal] application"
    );
}

#[test]
fn only_argon2id_is_a_password_hash_and_it_is_not_shown() {
    let user = |hash: &str| {
        format!(
            "[roles]\nr = []\n[[users]]\nid = \"a\"\nkind = \"employer\"\nrole = \"r\"\npassword-hash = \"{hash}\"\n"
        )
    };
    let good = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA";
    let config = parse(&format!("[platform]\n{}", user(good))).unwrap();
    assert_eq!(config.passwords["a"].expose(), good);
    assert!(!format!("{config:?}").contains("c29tZWhhc2g"));
    for bad in [
        "secret",
        "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=0,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
    ] {
        assert_eq!(
            faults(&user(bad)),
            "8: password-hash of user \"a\" is no Argon2id hash; `koppel password` makes one",
            "{bad}"
        );
    }
}

#[test]
fn the_connector_of_an_employer_comes_before_that_of_its_provider() {
    let (employer, provider) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let send = "PostSendJournalRunExportByJournalRunId";
    let connectors = |first: &str, activities: &str| {
        format!(
            "[clients.exact]\ncomponent = \"e.wasm\"\nactivities = [\"{send}\"]\n\
             [clients.other]\ncomponent = \"o.wasm\"\nactivities = [{activities}]\n\
             [connectors.employer.\"{employer}\"]\n{send} = \"{first}\"\n\
             [connectors.provider.\"{provider}\"]\n{send} = \"other\"\n"
        )
    };
    let quoted = format!("\"{send}\"");
    let config = parse(&format!("[platform]\n{}", connectors("exact", &quoted))).unwrap();
    let of = |employer, provider| {
        let owner = Owner { employer, provider };
        config
            .connectors
            .of(id::PostSendJournalRunExportByJournalRunId, owner)
    };
    assert_eq!(of(employer, provider), Some("exact"));
    assert_eq!(of(Uuid::from_u128(3), provider), Some("other"));
    assert_eq!(of(Uuid::from_u128(3), Uuid::from_u128(4)), None);
    assert_eq!(
        faults(&connectors("none", "")),
        "9: there is no connector \"none\"; add `[clients.none]` with `component` and `activities`\n\
         11: connector \"other\" was not granted PostSendJournalRunExportByJournalRunId; add \"PostSendJournalRunExportByJournalRunId\" to [clients.other] activities"
    );
}

/// `[server]` with an application for the console.
fn with_console(server: &str) -> String {
    let application = APPLICATION
        .replace("hr-portal", "console")
        .replace(", redirect-uris = [\"https://hr.example/back\"]", "");
    format!("{application}[server]\n{server}")
}

#[test]
fn there_is_a_console_where_one_is_configured_and_nowhere_else() {
    let none = server(&with_console(
        "[server.oidc]\nissuer = \"https://id.example\"\naudience = \"a\"",
    ));
    assert_eq!(none.console, None);
    let own = server(&with_console(
        "[server.issuer]\n[server.console]\napplication = \"console\"",
    ));
    let own = own.console.unwrap();
    assert_eq!((&*own.application, own.session_minutes), ("console", 480));
    assert_eq!(own.registration, None);
    let provider = with_console(
        "[server.oidc]\nissuer = \"https://id.example\"\naudience = \"a\"\n\
         [server.console]\napplication = \"console\"\nsession-minutes = 30\nclient-id = \"k\"\nclient-secret = { file = \"s\" }",
    );
    let console = server(&provider).console.unwrap();
    assert_eq!(console.session_minutes, 30);
    let registration = console.registration.unwrap();
    assert_eq!(registration.client_id, "k");
    assert!(registration.client_secret.is_some());
}

#[test]
fn a_console_acts_as_an_application_that_is_there() {
    for (text, expected) in [
        (
            with_console("[server.issuer]\n[server.console]\napplication = \"consol\""),
            "7: there is no application \"consol\" for the console to act as; add `[clients.consol]` with `application = { id = \"<uuid>\" }` and `activities`",
        ),
        (
            with_console(
                "[server.issuer]\n[server.console]\napplication = \"console\"\nsession-minutes = 4",
            ),
            "6: session-minutes = 4 must be 5 to 1440",
        ),
        (
            with_console(
                "[server.issuer]\n[server.console]\napplication = \"console\"\nclient-id = \"k\"",
            ),
            "6: `client-id` and `client-secret` of [server.console] are for [server.oidc]: remove them",
        ),
        (
            with_console(
                "[server.oidc]\nissuer = \"https://id.example\"\naudience = \"a\"\n[server.console]\napplication = \"console\"",
            ),
            "8: the provider must know the console: add `client-id = \"…\"` to [server.console]",
        ),
    ] {
        assert_eq!(faults(&text), expected);
    }
}
