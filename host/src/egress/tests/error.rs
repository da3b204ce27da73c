use crate::egress::EgressError;

#[test]
fn every_error_says_what_was_refused_and_what_would_allow_it() {
    let text = str::to_owned;
    for (error, expected) in [
        (
            EgressError::NoRule {
                client: text("exact"),
                method: text("GET"),
                url: text("https://party.test/a"),
            },
            "no rule allows GET https://party.test/a; to allow it, add to [clients.exact] http = [{ allow = \"https://party.test/a\", methods = [\"GET\"], activity = \"…\" }]",
        ),
        (
            EgressError::Url(text("it has a fragment")),
            "the URL is refused: it has a fragment",
        ),
        (
            EgressError::Header(text("cookie")),
            "header cookie may not be set by a connector",
        ),
        (
            EgressError::Address {
                host: text("party.test"),
                address: [127, 0, 0, 1].into(),
                what: "loopback",
                hint: " (hint)",
            },
            "party.test is refused: 127.0.0.1 is loopback; every address of a host must be public (hint)",
        ),
        (
            EgressError::Resolve {
                host: text("party.test"),
                why: text("no such host"),
            },
            "party.test cannot be resolved: no such host",
        ),
        (EgressError::Redirects(3), "more than 3 redirects"),
        (
            EgressError::Redirect(text("its location is not text")),
            "the redirect is refused: its location is not text",
        ),
        (
            EgressError::RequestSize(10),
            "the body of the request has more than 10 bytes (limits.request-bytes)",
        ),
        (
            EgressError::ResponseSize(10),
            "the reply has more than 10 bytes (limits.response-bytes)",
        ),
        (
            EgressError::ResponseHeaders(10),
            "the headers of the reply have more than 10 bytes",
        ),
        (
            EgressError::Parameter(text("key")),
            "query parameter key may not be set by a connector; the credential of the rule is added under that name",
        ),
        (EgressError::Timeout(200), "no complete reply within 200 ms"),
        (
            EgressError::TooMany(100),
            "the run made its 100 requests (limits.requests)",
        ),
        (
            EgressError::Connection {
                host: text("party.test"),
                why: text("refused"),
            },
            "the connection to party.test failed: refused",
        ),
        (
            EgressError::Credential {
                name: text("exact"),
                why: text("it is empty"),
            },
            "credential \"exact\": it is empty",
        ),
        (
            EgressError::Denied {
                activity: text("GetEmployersByUserId"),
                check: "role",
                reason: text("no"),
            },
            "GetEmployersByUserId was denied by check role: no",
        ),
        (
            EgressError::Host(text("the disk is full")),
            "the host failed: the disk is full",
        ),
    ] {
        assert_eq!(error.to_string(), expected);
    }
}
