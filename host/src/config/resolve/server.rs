//! `[server]`.

use super::application::is_loopback;
use super::{Resolver, raw};
use crate::config::server::{Application, Issuer, Oidc, Server, Tls, Tokens};
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
        let tokens = match (server.issuer, server.oidc) {
            (Some(issuer), None) => self.issuer(issuer, applications).map(Tokens::Issuer),
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

    fn issuer(
        &mut self,
        issuer: Spanned<raw::Issuer>,
        applications: &BTreeMap<String, Application>,
    ) -> Option<Issuer> {
        let span = issuer.span();
        let issuer = issuer.into_inner();
        for application in applications.values() {
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
