//! `[server]`.

use super::application::is_loopback;
use super::{Resolver, raw};
use crate::config::server::{
    Application, Console, Issuer, Oidc, Registration, Server, Tls, Tokens,
};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use url::Url;

impl Resolver<'_> {
    pub(super) fn server(
        &mut self,
        server: Spanned<raw::Server>,
        applications: &BTreeMap<String, Application>,
    ) -> Option<Server> {
        let span = server.span();
        let server = server.into_inner();
        let public_url = self.public_url(&span, &server);
        let notice = server.notice_seconds;
        if *notice.get_ref() > 300 {
            let text = format!("notice-seconds = {} must be 0 to 300", notice.get_ref());
            self.fault(Some(&notice.span()), text);
        }
        let by_provider = server.oidc.is_some();
        let console = server
            .console
            .and_then(|console| self.console(console, applications, by_provider));
        let tokens = match (server.issuer, server.oidc) {
            (Some(issuer), None) => {
                // The console needs none: where it is is known. Which one it is
                // must be known, too.
                let own = console.as_ref().map(|console| &console.application);
                let known = own.is_none_or(|own| applications.contains_key(own));
                let others = applications.values();
                let others = others.filter(|other| known && Some(&other.name) != own);
                self.issuer(issuer, others).map(Tokens::Issuer)
            }
            (None, Some(oidc)) => self.oidc(oidc).map(Tokens::Oidc),
            (Some(_), Some(_)) => {
                self.fault(
                    Some(&span),
                    "tokens come from one place: remove [server.issuer] or [server.oidc]"
                        .to_owned(),
                );
                None
            }
            (None, None) => {
                self.fault(
                    Some(&span),
                    "[server] accepts no tokens: add [server.issuer], or [server.oidc] with `issuer` and `audience`"
                        .to_owned(),
                );
                None
            }
        };
        Some(Server {
            listen: server.listen,
            public_url: public_url?,
            tls: server.tls.map(|tls| Tls {
                certificate: self.base.join(tls.certificate),
                private_key: self.base.join(tls.private_key),
            }),
            tokens: tokens?,
            console,
            notice_seconds: notice.into_inner(),
        })
    }

    fn console(
        &mut self,
        console: Spanned<raw::Console>,
        applications: &BTreeMap<String, Application>,
        by_provider: bool,
    ) -> Option<Console> {
        let span = console.span();
        let console = console.into_inner();
        let name = console.application.get_ref();
        if !applications.contains_key(name) {
            self.fault(
                Some(&console.application.span()),
                format!(
                    "there is no application \"{name}\" for the console to act as; add `[clients.{name}]` with `application = {{ id = \"<uuid>\" }}` and `activities`"
                ),
            );
        }
        if !(5..=1440).contains(&console.session_minutes) {
            self.fault(
                Some(&span),
                format!(
                    "session-minutes = {} must be 5 to 1440",
                    console.session_minutes
                ),
            );
        }
        let secret = console.client_secret.map(|secret| self.secret(secret));
        let registration = match (by_provider, console.client_id) {
            (true, Some(client_id)) => Some(Registration {
                client_id,
                client_secret: secret,
            }),
            (true, None) => {
                self.fault(
                    Some(&span),
                    "the provider must know the console: add `client-id = \"…\"` to [server.console]"
                        .to_owned(),
                );
                None
            }
            (false, None) if secret.is_none() => None,
            (false, _) => {
                self.fault(
                    Some(&span),
                    "`client-id` and `client-secret` of [server.console] are for [server.oidc]: remove them"
                        .to_owned(),
                );
                None
            }
        };
        Some(Console {
            application: console.application.into_inner(),
            session_minutes: console.session_minutes,
            registration,
        })
    }

    fn public_url(&mut self, span: &Range<usize>, server: &raw::Server) -> Option<Url> {
        let Some(given) = &server.public_url else {
            if !server.listen.ip().is_loopback() {
                self.fault(
                    Some(span),
                    format!(
                        "{} can be reached from other machines: add `public-url = \"https://…\"`, the address that they use",
                        server.listen
                    ),
                );
                return None;
            }
            let scheme = if server.tls.is_some() {
                "https"
            } else {
                "http"
            };
            return Url::parse(&format!("{scheme}://{}", server.listen)).ok();
        };
        let url = given.get_ref();
        let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let text = match url.scheme() {
            _ if !plain => {
                "public-url must be a scheme, a host and a port only: remove what follows"
            }
            "https" => return Some(url.clone()),
            "http" if is_loopback(url) => return Some(url.clone()),
            _ => {
                "public-url must be https, or http on this machine: tokens and passwords go over it"
            }
        };
        self.fault(Some(&given.span()), text.to_owned());
        None
    }

    fn issuer<'b>(
        &mut self,
        issuer: Spanned<raw::Issuer>,
        applications: impl Iterator<Item = &'b Application>,
    ) -> Option<Issuer> {
        let span = issuer.span();
        let issuer = issuer.into_inner();
        for application in applications {
            if application.redirect_uris.is_empty() {
                self.fault(
                    Some(&span),
                    format!(
                        "application \"{name}\" has no redirect URI, so no user can log in with it; add `redirect-uris = [\"https://…\"]` to [clients.{name}] application",
                        name = application.name
                    ),
                );
            }
        }
        if !(10..=86_400).contains(&issuer.access_token_seconds) {
            self.fault(
                Some(&span),
                format!(
                    "access-token-seconds = {} must be 10 to 86400",
                    issuer.access_token_seconds
                ),
            );
            return None;
        }
        if !(1..=3650).contains(&issuer.refresh_token_days) {
            self.fault(
                Some(&span),
                format!(
                    "refresh-token-days = {} must be 1 to 3650",
                    issuer.refresh_token_days
                ),
            );
            return None;
        }
        Some(Issuer {
            signing_key: self.base.join(issuer.signing_key),
            data: self.base.join(issuer.data),
            access_token_seconds: issuer.access_token_seconds,
            refresh_token_days: issuer.refresh_token_days,
        })
    }

    fn oidc(&mut self, oidc: Spanned<raw::Oidc>) -> Option<Oidc> {
        let oidc = oidc.into_inner();
        // It is compared as text: a URL without a path gets a slash when it is
        // parsed, and then is another identifier.
        let safe = Url::parse(oidc.issuer.get_ref()).is_ok_and(|url| {
            url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)
        });
        if !safe {
            self.fault(
                Some(&oidc.issuer.span()),
                "the issuer must be an https URL, or http on this machine: its keys come over it"
                    .to_owned(),
            );
            return None;
        }
        Some(Oidc {
            issuer: oidc.issuer.into_inner(),
            audience: oidc.audience,
            user_claim: oidc.user_claim,
            client_claim: oidc.client_claim,
        })
    }
}

#[cfg(test)]
mod tests;
