//! The words around a verdict: why a check is green or red, and the line of
//! the configuration that would turn a red one green.

use super::{EmployerSet, Grants, Question, Red, UserGrants};
use crate::bindings::koppel::loket::types::Check;
use crate::catalogue::Activity;
use serde::Serialize;
use std::collections::BTreeSet;

/// The verdicts of the five checks on one question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// What was asked for.
    pub activity: Activity,
    /// One verdict for each check, in order.
    pub verdicts: [Verdict; 5],
}

impl Explanation {
    /// Whether all five checks are green.
    pub fn allowed(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.green)
    }
}

/// The verdict of one check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Which check.
    #[serde(serialize_with = "check_name")]
    pub check: Check,
    /// Green or red.
    pub green: bool,
    /// Why, for a person.
    pub reason: String,
    /// For a red one, the line of `platform.toml` that would turn it green.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

fn check_name<S: serde::Serializer>(check: &Check, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name(*check))
}

/// The name of a check, as the contract spells it.
pub fn name(check: Check) -> &'static str {
    match check {
        Check::Client => "client",
        Check::User => "user",
        Check::Role => "role",
        Check::Module => "module",
        Check::Entity => "entity",
    }
}

impl Verdict {
    pub(super) fn green(check: Check, reason: String) -> Self {
        Self {
            check,
            green: true,
            reason,
            line: None,
        }
    }

    pub(super) fn red(check: Check, reason: String, line: String) -> Self {
        Self {
            check,
            green: false,
            reason,
            line: Some(line),
        }
    }
}

impl Grants {
    /// The line of the configuration that would turn the first red check of
    /// this question green; none when all are green.
    pub fn line_to_add(&self, question: &Question<'_>) -> Option<String> {
        self.explain(question)
            .verdicts
            .into_iter()
            .find_map(|verdict| verdict.line)
    }

    pub(super) fn reason(&self, q: &Question<'_>, red: Red) -> String {
        let activity = q.activity;
        match red {
            Red::UnknownClient => format!("there is no client \"{}\"", q.client),
            Red::ClientLacksActivity => {
                format!("client \"{}\" was not granted {activity}", q.client)
            }
            Red::ClientRevoked => {
                format!("{activity} was taken back from client \"{}\"", q.client)
            }
            Red::UnknownUser => format!("there is no user \"{}\"", q.user),
            Red::UserRevoked => {
                format!("everything was taken back from user \"{}\"", q.user)
            }
            Red::UserBlocked => format!("user \"{}\" is blocked", q.user),
            Red::NotOfProvider => format!(
                "user \"{}\" is an employer user; only provider users may turn modules on and off",
                q.user
            ),
            Red::UserLacksRight => {
                format!("user \"{}\" has no right that gives {activity}", q.user)
            }
            Red::UnknownRole => format!(
                "user \"{}\" has role \"{}\", which does not exist",
                q.user,
                self.role_of(q)
            ),
            Red::RoleLacksRight => format!(
                "role \"{}\" has no right that gives {activity}",
                self.role_of(q)
            ),
            Red::ModuleOff(module) => {
                format!("module \"{module}\" is off for this employer and for its provider")
            }
            Red::OutsideRun => {
                "it belongs to another employer than the one that this run is for".to_owned()
            }
            Red::OtherProvider => {
                format!("user \"{}\" belongs to another provider", q.user)
            }
            Red::EmployerNotAccessible => {
                format!("user \"{}\" may not access this employer", q.user)
            }
        }
    }

    pub(super) fn config_line(&self, q: &Question<'_>, red: Red) -> String {
        let activity = q.activity;
        match red {
            Red::UnknownClient => format!(
                "[clients.{}] component = \"…\", activities = [\"{activity}\"]",
                key(q.client)
            ),
            Red::ClientLacksActivity => format!(
                "[clients.{}] activities = [{}]",
                key(q.client),
                list(
                    self.clients
                        .get(q.client)
                        .map(|client| client.activities.iter().map(Activity::id).collect())
                        .unwrap_or_default(),
                    activity.id()
                )
            ),
            Red::UnknownUser => format!("[[users]] id = \"{}\"", q.user),
            Red::ClientRevoked => format!(
                "none: `koppel revocations` shows who took it back and why; `koppel restore --client {}` with the same --activity, if there is one, gives it back",
                q.client
            ),
            Red::UserRevoked => format!(
                "none: `koppel revocations` shows who did it and why; `koppel restore --user {}` gives it back",
                q.user
            ),
            Red::UserBlocked => format!("[[users]] id = \"{}\" blocked = false", q.user),
            Red::NotOfProvider => format!(
                "[[users]] id = \"{}\" kind = \"provider\" provider = \"{}\"",
                q.user, q.provider
            ),
            Red::UserLacksRight => self.user_right_line(q),
            Red::UnknownRole => format!(
                "[roles] {} = [\"{}\"]",
                key(self.role_of(q)),
                self.right_for(activity)
            ),
            Red::RoleLacksRight => {
                let held = self.roles.get(self.role_of(q)).map(|role| &role.rights);
                self.with_right(
                    activity,
                    format!("[roles] {} = ", key(self.role_of(q))),
                    held,
                )
            }
            Red::ModuleOff(module) => {
                let on: Vec<_> = self
                    .employer_modules
                    .get(&q.employer)
                    .map(|modules| modules.iter().collect())
                    .unwrap_or_default();
                format!(
                    "[modules.employer] \"{}\" = [{}]; or at run time: koppel modules on {module} --employer {} --user <provider user>",
                    q.employer,
                    list(on, module),
                    q.employer
                )
            }
            Red::OutsideRun => format!(
                "none: start a run for employer {} (--employer {})",
                q.employer, q.employer
            ),
            Red::OtherProvider => format!(
                "[[users]] id = \"{}\" provider = \"{}\"",
                q.user, q.provider
            ),
            Red::EmployerNotAccessible => {
                let mut ids: Vec<String> = match self.users.get(q.user).map(|user| &user.employers)
                {
                    Some(EmployerSet::These(ids)) => ids.iter().map(ToString::to_string).collect(),
                    _ => Vec::new(),
                };
                ids.sort();
                format!(
                    "[[users]] id = \"{}\" employers = [{}]",
                    q.user,
                    list(
                        ids.iter().map(String::as_str).collect(),
                        &q.employer.to_string()
                    )
                )
            }
        }
    }

    pub(super) fn green_reason(&self, check: Check, q: &Question<'_>) -> String {
        let activity = q.activity;
        match check {
            Check::Client => format!("client \"{}\" was granted {activity}", q.client),
            Check::User => format!(
                "user \"{}\" has {activity} through right {}",
                q.user,
                self.users
                    .get(q.user)
                    .map(|user| self.giving(activity, rights_in(user, q)))
                    .unwrap_or_default()
            ),
            Check::Role => format!(
                "role \"{}\" has {activity} through right {}",
                self.role_of(q),
                self.roles
                    .get(self.role_of(q))
                    .map(|role| self.giving(activity, &role.rights))
                    .unwrap_or_default()
            ),
            Check::Module => match activity.row().module {
                None => format!("{activity} belongs to no module"),
                Some(module) => format!("module \"{module}\" is on"),
            },
            Check::Entity => format!("user \"{}\" may access employer {}", q.user, q.employer),
        }
    }

    fn user_right_line(&self, q: &Question<'_>) -> String {
        let Some(user) = self.users.get(q.user) else {
            return format!("[[users]] id = \"{}\"", q.user);
        };
        let field = if user.employer_rights.contains_key(&q.scope) {
            format!("employer-rights.\"{}\"", q.scope)
        } else {
            "rights".to_owned()
        };
        let start = format!("[[users]] id = \"{}\" {field} = ", q.user);
        self.with_right(q.activity, start, Some(rights_in(user, q)))
    }

    /// `start` followed by the list of rights held and the one that gives the
    /// activity. Where a held right is the only sensible one to widen, that.
    fn with_right(
        &self,
        activity: Activity,
        start: String,
        held: Option<&BTreeSet<String>>,
    ) -> String {
        let held = held
            .map(|held| held.iter().map(String::as_str).collect())
            .unwrap_or_default();
        let right = self.right_for(activity);
        let line = format!("{start}[{}]", list(held, &right));
        if self
            .rights
            .get(&right)
            .is_some_and(|set| set.contains(activity))
        {
            line
        } else {
            // No right gives it yet: it takes a new one as well.
            format!("{line} with [rights] {right} = [\"{activity}\"]")
        }
    }

    /// The name of the first right that gives the activity, or a name for one
    /// to be made.
    fn right_for(&self, activity: Activity) -> String {
        self.rights
            .iter()
            .find(|(_, set)| set.contains(activity))
            .map_or_else(|| "new-right".to_owned(), |(name, _)| name.clone())
    }

    fn giving(&self, activity: Activity, rights: &BTreeSet<String>) -> String {
        rights
            .iter()
            .find(|right| {
                self.rights
                    .get(*right)
                    .is_some_and(|set| set.contains(activity))
            })
            .map_or_else(String::new, |right| format!("\"{right}\""))
    }

    fn role_of(&self, q: &Question<'_>) -> &str {
        self.users.get(q.user).map_or("", |user| &user.role)
    }
}

fn rights_in<'a>(user: &'a UserGrants, q: &Question<'_>) -> &'a BTreeSet<String> {
    user.employer_rights
        .get(&q.scope)
        .map_or(&user.rights, |(own, _)| own)
}

/// A TOML array body: the items held, then the new one.
fn list(held: Vec<&str>, new: &str) -> String {
    held.into_iter()
        .chain([new])
        .map(|item| format!("\"{item}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A TOML key, quoted where it must be.
fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}
