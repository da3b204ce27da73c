use crate::authorization::{NO_MODULES, Question};
use crate::catalogue::Activity;
use crate::config::{Config, ConfigError};
use std::path::Path;
use uuid::Uuid;

/// A configuration file: any text either has faults that are told with their
/// lines, or is a configuration that grants only what it says.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Config::parse(Path::new("/etc/koppel/platform.toml"), text) {
        Ok(config) => granted(&config),
        Err(error) => told(&error, text),
    }
}

fn told(error: &ConfigError, text: &str) {
    assert!(!error.faults.is_empty(), "a fault without a word");
    let lines = text.matches('\n').count() + 1;
    for fault in &error.faults {
        let line = fault.line.unwrap_or(1);
        assert!((1..=lines).contains(&line), "line {line} of {lines}");
        assert!(!fault.text.is_empty());
    }
    assert!(error.faults.is_sorted_by_key(|fault| fault.line));
}

fn granted(config: &Config) {
    for (name, client) in &config.clients {
        let granted = config.grants.clients[name].activities;
        for rule in &client.http {
            assert!(granted.contains(rule.activity()), "{rule:?}");
            if let Some(credential) = rule.credential() {
                assert!(config.credentials.contains_key(credential));
            }
        }
        let exports = client.exports.as_ref();
        assert!(exports.is_none_or(|exports| granted.contains(exports.activity)));
        assert_eq!(client.limits.validate(), Ok(()));
    }
    assert_eq!(config.alarms.validate(), Ok(()));
    // Nobody who is not in it may do anything, and an explanation agrees.
    let names = |known: Vec<&String>| -> Vec<String> {
        let known = known.into_iter().take(3).cloned();
        known.chain(["no such name".to_owned()]).collect()
    };
    let clients = names(config.grants.clients.keys().collect());
    let users = names(config.grants.users.keys().collect());
    let employer = config.grants.employer_modules.keys().next();
    let employer = employer.copied().unwrap_or(Uuid::from_u128(1));
    let provider = config.grants.provider_modules.keys().next();
    let provider = provider.copied().unwrap_or(Uuid::from_u128(2));
    for client in &clients {
        for user in &users {
            for activity in Activity::all() {
                let question = Question {
                    client,
                    user,
                    activity,
                    scope: employer,
                    employer,
                    provider,
                    modules: &NO_MODULES,
                };
                let allowed = config.grants.check(&question).is_ok();
                assert_eq!(allowed, config.grants.explain(&question).allowed());
                let known = config.grants.clients.contains_key(client)
                    && config.grants.users.contains_key(user);
                assert!(known || !allowed, "{question:?}");
            }
        }
    }
}
