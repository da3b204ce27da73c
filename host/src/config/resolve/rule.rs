//! The rules for outside requests of a client.

use super::Resolver;
use super::raw;
use crate::authorization::ActivitySet;
use crate::catalogue::{Access, Activity, Surface};
use crate::config::{Credential, CredentialPlace};
use crate::egress::{Rule, WrittenLists};
use std::collections::BTreeMap;
use toml::Spanned;

impl Resolver<'_> {
    pub(super) fn rule(
        &mut self,
        client: &str,
        rule: Spanned<raw::Http>,
        granted: ActivitySet,
        credentials: &BTreeMap<String, Credential>,
    ) -> Option<Rule> {
        let span = rule.span();
        let rule = rule.into_inner();
        let activity = self.act(client, &rule.activity, granted);
        let mut usable = true;
        if let Some(credential) = &rule.credential
            && !credentials.contains_key(credential.get_ref())
        {
            let text = format!(
                "there is no credential \"{name}\"; add `[credentials.{name}]` with `header` and `value`",
                name = credential.get_ref()
            );
            usable &= self.lacks(&credential.span(), text);
        }
        let roots = rule.trusted_roots.and_then(|file| {
            let found = self.roots(&file);
            usable &= found.is_some();
            found
        });
        let place = rule.credential.as_ref().and_then(|name| {
            let credential = credentials.get(name.get_ref())?;
            Some((name, &credential.place))
        });
        if let Some((credential, CredentialPlace::Query { name })) = place {
            let listed = rule.query.iter().flat_map(BTreeMap::keys);
            for parameter in listed.filter(|listed| listed.eq_ignore_ascii_case(name)) {
                self.fault(
                    Some(&credential.span()),
                    format!(
                        "query.{parameter} may not be listed: credential \"{}\" is added under that name",
                        credential.get_ref()
                    ),
                );
            }
        }
        let handshake = place
            .filter(|(_, place)| matches!(place, CredentialPlace::Handshake { .. }))
            .map(|(name, _)| name.clone());
        let activity = activity?;
        // A method in small letters is another fault, found below.
        let reads = |m: &String| m.eq_ignore_ascii_case("GET") || m.eq_ignore_ascii_case("HEAD");
        let writes = !rule.methods.iter().all(reads);
        if writes && activity.row().access == Access::Read {
            self.fault(
                Some(&rule.activity.span()),
                format!(
                    "{activity} only reads; a rule with it can only allow the methods GET and HEAD"
                ),
            );
        }
        let parsed = Rule::with_lists(
            &rule.allow,
            &rule.methods,
            activity,
            rule.credential.map(Spanned::into_inner),
            rule.allow_private_addresses,
            &WrittenLists {
                path: rule.path,
                query: rule.query,
                headers: rule.headers,
                json: rule.json,
            },
        );
        let parsed = parsed.and_then(|parsed| match roots {
            Some(file) => parsed.with_trusted_roots(file),
            None => Ok(parsed),
        });
        let parsed = parsed.and_then(|parsed| match (rule.idempotency, rule.repeatable) {
            (Some(header), _) => parsed.with_idempotency(&header),
            (None, true) => Ok(parsed.with_repeatable_writes()),
            (None, false) => Ok(parsed),
        });
        let parsed = parsed.map(|parsed| match rule.trace_context {
            true => parsed.with_trace_context(),
            false => parsed,
        });
        if let (Some(credential), Ok(parsed)) = (handshake, &parsed)
            && !parsed.is_https()
        {
            self.fault(
                Some(&credential.span()),
                format!(
                    "credential \"{}\" is a client certificate, which takes https",
                    credential.get_ref()
                ),
            );
        }
        match parsed {
            Ok(rule) => usable.then_some(rule),
            Err(error) => {
                self.fault(Some(&span), error.to_string());
                None
            }
        }
    }

    /// The activity of an act of the host: it must be granted too, otherwise
    /// the rule could never be used and would only look like a grant.
    pub(super) fn act(
        &mut self,
        client: &str,
        id: &Spanned<String>,
        granted: ActivitySet,
    ) -> Option<Activity> {
        let activity = self.activity(id)?;
        if activity.row().surface == Surface::Rest {
            self.fault(
                Some(&id.span()),
                format!("{activity} is for external applications on the REST API; a connector cannot perform it"),
            );
            return None;
        }
        if !granted.contains(activity) {
            let text = format!(
                "this needs {activity}, which client \"{client}\" was not granted; add \"{activity}\" to [clients.{client}] activities"
            );
            if self.is_published(&id.span()) {
                self.fault(Some(&id.span()), text);
            } else if !self.lacks(&id.span(), text) {
                return None;
            }
        }
        Some(activity)
    }
}
