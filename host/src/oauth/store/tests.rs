use super::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const BACK: &str = "https://hr.example/back";
const DAY: i64 = 86_400;

struct Fixture {
    _dir: tempfile::TempDir,
    store: Store,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("tokens.db")).unwrap();
        Self { _dir: dir, store }
    }

    async fn code(&self) -> String {
        let binding = CodeBinding {
            redirect_uri: BACK.to_owned(),
            challenge: challenge(VERIFIER),
        };
        let started = self.store.start("hr".into(), "anna".into(), binding, DAY);
        started.await.unwrap()
    }

    async fn exchange(&self, code: &str) -> Result<(Login, String), GrantError> {
        let uri = Some(BACK.to_owned());
        self.store.exchange(code, "hr".into(), uri, VERIFIER).await
    }

    async fn refresh(&self, token: &str) -> Result<(Login, String), GrantError> {
        self.store.refresh(token, "hr".into(), |_| true).await
    }

    async fn sql(&self, sql: &'static str) {
        let done = self
            .store
            .change(move |database| Ok(database.execute(sql, [])?));
        assert!(done.await.unwrap() > 0);
    }
}

#[track_caller]
fn invalid(result: Result<(Login, String), GrantError>) -> String {
    match result {
        Err(GrantError::Invalid(why)) => why.to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_challenge_is_that_of_rfc_7636_appendix_b() {
    assert_eq!(
        challenge(VERIFIER),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
}

#[tokio::test]
async fn a_code_that_comes_back_ends_the_login() {
    let fixture = Fixture::new();
    let code = fixture.code().await;
    let (login, refresh) = fixture.exchange(&code).await.unwrap();
    assert_eq!((login.client.as_str(), login.user.as_str()), ("hr", "anna"));
    assert!(fixture.store.is_live(login.session).await.unwrap());
    assert_eq!(
        invalid(fixture.exchange(&code).await),
        "the code was used before; the login has ended"
    );
    assert!(!fixture.store.is_live(login.session).await.unwrap());
    assert_eq!(
        invalid(fixture.refresh(&refresh).await),
        "the login has ended"
    );
}

#[tokio::test]
async fn a_code_is_good_for_one_attempt() {
    let fixture = Fixture::new();
    for (verifier, uri, why) in [
        (
            "another-verifier",
            BACK,
            "code_verifier does not fit the code_challenge",
        ),
        (
            VERIFIER,
            "https://hr.example/other",
            "redirect_uri is not the one that the code was sent to",
        ),
    ] {
        let code = fixture.code().await;
        let uri = Some(uri.to_owned());
        let store = &fixture.store;
        let attempt = store.exchange(&code, "hr".into(), uri, verifier).await;
        assert_eq!(invalid(attempt), why);
        assert_eq!(
            invalid(fixture.exchange(&code).await),
            "the code was used before; the login has ended"
        );
    }
    let code = fixture.code().await;
    fixture.sql("UPDATE code SET expires = expires - 61").await;
    assert_eq!(
        invalid(fixture.exchange(&code).await),
        "the code is too old"
    );
}

#[tokio::test]
async fn the_code_or_token_of_another_application_is_refused_and_stays_good() {
    let fixture = Fixture::new();
    let code = fixture.code().await;
    let stolen = fixture
        .store
        .exchange(&code, "other".into(), None, VERIFIER);
    assert_eq!(invalid(stolen.await), "the code is of another application");
    let (login, refresh) = fixture.exchange(&code).await.unwrap();
    let stolen = fixture.store.refresh(&refresh, "other".into(), |_| true);
    assert_eq!(
        invalid(stolen.await),
        "the refresh token is of another application"
    );
    fixture.store.end(&refresh, "other".into()).await.unwrap();
    assert!(fixture.store.is_live(login.session).await.unwrap());
    fixture.refresh(&refresh).await.unwrap();
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_ends_the_login_and_all_that_came_of_it() {
    let fixture = Fixture::new();
    let code = fixture.code().await;
    let (_, first) = fixture.exchange(&code).await.unwrap();
    let (_, second) = fixture.refresh(&first).await.unwrap();
    let (login, third) = fixture.refresh(&second).await.unwrap();
    assert_eq!(
        invalid(fixture.refresh(&first).await),
        "the refresh token was used before; the login has ended"
    );
    assert_eq!(
        invalid(fixture.refresh(&third).await),
        "the login has ended"
    );
    assert!(!fixture.store.is_live(login.session).await.unwrap());
}

#[tokio::test]
async fn a_user_who_may_not_log_in_keeps_the_token_but_gets_none() {
    let fixture = Fixture::new();
    let (_, token) = fixture.exchange(&fixture.code().await).await.unwrap();
    let blocked = fixture
        .store
        .refresh(&token, "hr".into(), |user| user != "anna");
    assert_eq!(invalid(blocked.await), "the user may not log in any more");
    fixture.refresh(&token).await.unwrap();
}

#[tokio::test]
async fn a_login_lasts_as_long_as_the_operator_says_however_often_it_is_refreshed() {
    let fixture = Fixture::new();
    let (login, token) = fixture.exchange(&fixture.code().await).await.unwrap();
    let (_, token) = fixture.refresh(&token).await.unwrap();
    fixture
        .sql("UPDATE session SET expires = expires - 86401")
        .await;
    assert_eq!(
        invalid(fixture.refresh(&token).await),
        "the login is too old"
    );
    assert!(!fixture.store.is_live(login.session).await.unwrap());
    // The next login clears it away.
    fixture.code().await;
    assert_eq!(
        invalid(fixture.refresh(&token).await),
        "there is no such refresh token"
    );
}

#[tokio::test]
async fn neither_codes_nor_tokens_are_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("tokens.db")).unwrap();
    let fixture = Fixture {
        _dir: tempfile::tempdir().unwrap(),
        store,
    };
    let code = fixture.code().await;
    let (_, token) = fixture.exchange(&code).await.unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in [&code, &token] {
            assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none());
        }
    }
}
