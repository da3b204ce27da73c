//! Logging in and out, sessions, forms, headers and languages.

use super::{Browser, configured, field, of, words};
use crate::rest::{PASSWORD, Rest};
use http::Method;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_console_in_the_configuration_there_is_none() {
    let rest = Rest::new().await;
    for path in ["/console", "/console/all", "/console/login"] {
        let answer = rest.send(rest.request(Method::GET, path)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_logged_in_is_sent_to_log_in_and_back_to_the_page() {
    let rest = Rest::with(&configured("")).await;
    let browser = Browser::new(&rest);
    let page = "/console/all/runs?state=dead";
    let sent = browser.get(page).await;
    assert_eq!(
        (sent.status.as_u16(), sent.header("location")),
        (
            303,
            "/console/login?next=%2Fconsole%2Fall%2Fruns%3Fstate%3Ddead"
        )
    );
    let answer = browser.log_in("anna", page).await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    assert!(text.contains("<title>Runs - koppel</title>"), "{text}");
    assert!(text.contains("value=\"dead\" selected"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_for_no_script_and_for_no_other_site() {
    let rest = Rest::with(&configured("")).await;
    let browser = Browser::new(&rest);
    let form = browser.follow(browser.get("/console").await).await;
    let fields = [
        ("ticket", field(&form.text(), "ticket")),
        ("user", "anna".to_owned()),
        ("password", PASSWORD.to_owned()),
    ];
    let fields = fields
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let sent = browser
        .send(rest.form_request("/oauth/authorize", &fields))
        .await;
    let back = sent.header("location").replace(&rest.url(""), "");
    let answer = browser.get(&back).await;
    assert_eq!(answer.header("location"), "/console/all");
    let cookies: Vec<_> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .collect();
    let session = cookies[0].strip_prefix("koppel-console=").unwrap();
    let (value, attributes) = session.split_at(43);
    assert!(!value.contains(';'));
    assert_eq!(
        attributes,
        "; Path=/; HttpOnly; SameSite=Lax; Max-Age=28800"
    );
    // A code is good once, and an attempt too.
    let again = browser.get(&back).await;
    assert_eq!(again.status, 400);
    assert!(words(&again.text()).contains("This attempt to log in is too old"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_another_browser_began_is_refused() {
    let rest = Rest::with(&configured("")).await;
    let other = Browser::new(&rest);
    let form = other.follow(other.get("/console").await).await;
    let ticket = field(&form.text(), "ticket");
    let fields = [
        ("ticket", &*ticket),
        ("user", "anna"),
        ("password", PASSWORD),
    ];
    let sent = other
        .send(rest.form_request("/oauth/authorize", &fields))
        .await;
    let back = sent.header("location").replace(&rest.url(""), "");
    // The link that logs in as Anna, in the browser of somebody else.
    let victim = Browser::new(&rest);
    victim.get("/console/login").await;
    let answer = victim.get(&back).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(victim.get("/console/all").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_session_and_the_login() {
    let rest = Rest::with(&configured("")).await;
    let browser = Browser::of(&rest, "anna").await;
    let stolen = browser.cookies.lock().unwrap().clone();
    let answer = browser.post("/console/logout", &[]).await;
    assert_eq!(answer.header("location"), "/console/logged-out");
    let page = browser.page("/console/logged-out").await;
    assert!(words(&page).contains("You are logged out"), "{page}");
    assert_eq!(browser.get("/console/all").await.status, 303);
    // Nor with a cookie that somebody kept.
    *browser.cookies.lock().unwrap() = stolen;
    assert_eq!(browser.get("/console/all").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_was_removed_or_blocked_has_no_page_any_more() {
    let rest = Rest::with(&configured("")).await;
    let browser = Browser::of(&rest, "bas").await;
    browser.page(&of(1, "")).await;
    let text = configured("");
    let blocked = text.replace("id = \"bas\"", "id = \"bas\"\nblocked = true");
    rest.reconfigure(&blocked);
    let answer = browser.get(&of(1, "")).await;
    assert_eq!(answer.status, 403);
    assert!(words(&answer.text()).contains("user \"bas\" is blocked"));
    rest.reconfigure(&text.replace("id = \"bas\"", "id = \"other\""));
    assert_eq!(browser.get(&of(1, "")).await.status, 303);
    // What was ended does not begin again by itself.
    rest.reconfigure(&text);
    assert_eq!(browser.get(&of(1, "")).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_not_of_this_session_does_nothing() {
    let rest = Rest::with(&configured("")).await;
    let browser = Browser::of(&rest, "anna").await;
    let other = Browser::of(&rest, "anna").await;
    let path = of(1, "/modules");
    let fields = |token: &str| {
        [
            ("token", token.to_owned()),
            ("id", "65b78c11-3131-5a0c-9189-c89ca72f62e5".to_owned()),
            ("turn", "on".to_owned()),
        ]
    };
    let off = async || {
        let page = words(&browser.page(&path).await);
        page.contains("fleurtjedag off")
    };
    for token in ["", "x", &other.token().await] {
        let fields = fields(token);
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let answer = browser.send(rest.form_request(&path, &fields)).await;
        assert_eq!(answer.status, 403, "{token}");
        assert!(words(&answer.text()).contains("This form came from elsewhere"));
        assert!(off().await);
    }
    // The right one, but from another site.
    let own = fields(&browser.token().await);
    let own = own.each_ref().map(|(name, value)| (*name, value.as_str()));
    for site in ["cross-site", "same-site"] {
        let request = rest
            .form_request(&path, &own)
            .header("sec-fetch-site", site);
        assert_eq!(browser.send(request).await.status, 403, "{site}");
        assert!(off().await);
    }
    let request = rest
        .form_request(&path, &own)
        .header("sec-fetch-site", "same-origin");
    assert_eq!(browser.send(request).await.status, 303);
    assert!(!off().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reply_says_that_nothing_from_elsewhere_may_be_loaded() {
    let rest = Rest::with(&configured("")).await;
    let browser = Browser::of(&rest, "anna").await;
    for path in [
        "/console",
        "/console/all",
        "/console/all/runs",
        "/console/all/nothing",
        "/console/nonsense",
        "/console/login",
        "/console/callback",
        "/console/logged-out",
        "/console/files/console.css",
        "/console/files/none.css",
    ] {
        let answer = browser.get(path).await;
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            ),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path} {name}");
        }
        let text = answer.text();
        for inline in [
            "<script>",
            "style=",
            " onclick",
            "javascript:",
            "http-equiv",
        ] {
            assert!(
                path.contains("/files/") || !text.contains(inline),
                "{path} {inline}"
            );
        }
        let kept = answer.header("cache-control");
        let expected = if path.contains("console.css") {
            "no-cache"
        } else {
            "no-store"
        };
        assert_eq!(kept, expected, "{path}");
    }
    // A file by its version is for ever.
    let page = browser.page("/console/all").await;
    let css = page.split("rel=\"stylesheet\" href=\"").nth(1).unwrap();
    let css = browser.get(css.split('"').next().unwrap()).await;
    assert_eq!(
        css.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_that_of_the_browser_until_another_one_is_chosen() {
    let rest = Rest::with(&configured("")).await;
    let mut browser = Browser::of(&rest, "anna").await;
    assert!(
        browser
            .page("/console/all")
            .await
            .contains("<html lang=\"en\">")
    );
    browser.language = "nl-NL,en;q=0.8";
    let dutch = browser.page("/console/all").await;
    assert!(dutch.contains("<html lang=\"nl\">"), "{dutch}");
    assert!(words(&dutch).contains("Waarom geweigerd?"), "{dutch}");
    let fields = [("language", "en"), ("back", "/console/all/connectors")];
    let answer = browser.post("/console/language", &fields).await;
    assert_eq!(answer.header("location"), "/console/all/connectors");
    assert!(
        answer
            .header("set-cookie")
            .starts_with("koppel-language=en; Path=/; HttpOnly; SameSite=Lax")
    );
    assert!(
        browser
            .page("/console/all")
            .await
            .contains("<html lang=\"en\">")
    );
    // It goes nowhere else, and knows no others.
    let fields = [("language", "xx"), ("back", "https://evil.example/")];
    let answer = browser.post("/console/language", &fields).await;
    assert_eq!(answer.header("location"), "/console/all");
    assert_eq!(answer.header("set-cookie"), "");
    // The pages to log in are in it, too.
    let mut stranger = Browser::new(&rest);
    stranger.language = "nl";
    let form = stranger.follow(stranger.get("/console").await).await;
    assert!(
        words(&form.text()).contains("Gebruikersnaam"),
        "{}",
        form.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_by_another_name_of_the_machine_goes_to_the_one_of_the_configuration() {
    let rest = Rest::with(&configured("")).await;
    let request = rest
        .request(Method::GET, "/console/login?next=/console/all/runs")
        .header("host", "localhost:1");
    let answer = rest.send(request).await;
    assert_eq!(answer.header("location"), rest.url("/console/all/runs"));
}
