//! Users: what each may do, and for which employers.

use super::Resolver;
use super::raw::{self, Employers};
use crate::authorization::{ActivitySet, EmployerSet, Grants, Set, UserGrants, UserKind};
use std::collections::BTreeMap;
use std::ops::Range;
use uuid::Uuid;

impl Resolver<'_> {
    pub(super) fn user(
        &mut self,
        span: &Range<usize>,
        user: &raw::User,
        rights: &BTreeMap<String, ActivitySet>,
        grants: &Grants,
        teams: &BTreeMap<String, Vec<Uuid>>,
    ) -> UserGrants {
        if !grants.roles.contains_key(user.role.get_ref()) {
            self.fault(
                Some(&user.role.span()),
                format!(
                    "there is no role \"{role}\"; add `{role} = [\"…\"]` under [roles]",
                    role = user.role.get_ref()
                ),
            );
        }
        if user.kind == UserKind::Provider && user.provider.is_none() {
            self.fault(
                Some(span),
                format!(
                    "user \"{}\" is a provider user: add `provider = \"<id>\"`",
                    user.id
                ),
            );
        }
        if user.kind == UserKind::Employer && user.provider.is_some() {
            self.fault(
                Some(span),
                format!(
                    "user \"{}\" is an employer user: remove `provider`",
                    user.id
                ),
            );
        }
        let (right_names, activities) = self.rights(rights, &user.rights);
        let employer_rights = user
            .employer_rights
            .iter()
            .map(|(employer, names)| (*employer, self.rights(rights, names)))
            .collect();
        UserGrants {
            kind: user.kind,
            provider: user.provider,
            role: user.role.get_ref().clone(),
            rights: right_names,
            activities,
            employer_rights,
            employers: self.employers(span, user, teams),
            blocked: user.blocked,
        }
    }

    fn employers(
        &mut self,
        span: &Range<usize>,
        user: &raw::User,
        teams: &BTreeMap<String, Vec<Uuid>>,
    ) -> EmployerSet {
        let mut these: Set<Uuid> = match &user.employers {
            Employers::All(_) if user.kind == UserKind::Provider => {
                return EmployerSet::AllOfProvider;
            }
            Employers::All(_) => {
                self.fault(
                    Some(span),
                    format!(
                        "user \"{}\" is an employer user: list the ids in `employers`, \"all\" is for provider users",
                        user.id
                    ),
                );
                Set::default()
            }
            Employers::These(ids) => ids.iter().copied().collect(),
        };
        for team in &user.teams {
            match teams.get(team.get_ref()) {
                Some(ids) => these.extend(ids),
                None => self.fault(
                    Some(&team.span()),
                    format!(
                        "there is no team \"{team}\"; add `{team} = [\"<employer id>\"]` under [teams]",
                        team = team.get_ref()
                    ),
                ),
            }
        }
        EmployerSet::These(these)
    }
}
