//! Who is logged in. Kept in memory: a restart logs everybody out.

use crate::oauth::random;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How many sessions a user may have; more end the oldest.
const OF_A_USER: usize = 20;

/// One browser in which somebody is logged in.
#[derive(Debug)]
pub(super) struct Session {
    /// The id of the user.
    pub(super) user: String,
    /// The login at koppel's own issuer that it came of.
    pub(super) login: Option<Uuid>,
    /// What each form must hold, so that no other page can send one.
    pub(super) token: String,
    begun: Instant,
    lasts: Duration,
}

impl Session {
    /// Whether a form came from a page of this session.
    pub(super) fn sent(&self, token: &str) -> bool {
        self.token.as_bytes().ct_eq(token.as_bytes()).into()
    }

    fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.lasts
    }
}

/// All of them, by the SHA-256 of the cookie.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Arc<Session>>>);

impl Sessions {
    /// Begins one, and gives the value of its cookie: 256 random bits.
    ///
    /// # Errors
    ///
    /// When there is no randomness.
    pub(super) fn begin(
        &self,
        user: String,
        login: Option<Uuid>,
        lasts: Duration,
    ) -> Result<String, String> {
        let cookie = random::<32>()?;
        let session = Session {
            user,
            login,
            token: random::<32>()?,
            begun: Instant::now(),
            lasts,
        };
        let mut all = self.all();
        all.retain(|_, session| !session.is_over());
        let mut own: Vec<_> = all
            .iter()
            .filter(|(_, other)| other.user == session.user)
            .map(|(key, other)| (other.begun, *key))
            .collect();
        own.sort();
        let over = own.len().saturating_sub(OF_A_USER - 1);
        for (_, key) in &own[..over] {
            all.remove(key);
        }
        all.insert(key(&cookie), Arc::new(session));
        Ok(cookie)
    }

    /// The one of this cookie, if it goes on.
    pub(super) fn find(&self, cookie: &str) -> Option<Arc<Session>> {
        let found = self.all().get(&key(cookie)).cloned();
        found.filter(|session| !session.is_over())
    }

    /// Ends the one of this cookie.
    pub(super) fn end(&self, cookie: &str) {
        self.all().remove(&key(cookie));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Session>>> {
        // Whole after every statement, so a panic has not broken it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_session_goes_on_until_it_is_over_or_ended() {
        let sessions = Sessions::default();
        let begin = |lasts| sessions.begin("anna".to_owned(), None, lasts).unwrap();
        let (one, other, over) = (begin(HOUR), begin(HOUR), begin(Duration::ZERO));
        assert_eq!(sessions.find(&one).unwrap().user, "anna");
        assert!(sessions.find(&over).is_none());
        assert!(sessions.find("").is_none());
        sessions.end(&one);
        assert!(sessions.find(&one).is_none());
        let other = sessions.find(&other).unwrap();
        assert!(other.sent(&other.token.clone()));
        assert!(!other.sent("") && !other.sent(&other.token[1..]));
    }

    #[test]
    fn too_many_sessions_of_a_user_end_the_oldest_of_that_user() {
        let sessions = Sessions::default();
        let begin = |user: &str| sessions.begin(user.to_owned(), None, HOUR).unwrap();
        let bas = begin("bas");
        let all: Vec<_> = (0..=OF_A_USER).map(|_| begin("anna")).collect();
        assert!(sessions.find(&bas).is_some());
        let live = all.iter().filter(|cookie| sessions.find(cookie).is_some());
        assert_eq!(live.count(), OF_A_USER);
        assert!(sessions.find(&all[0]).is_none());
    }
}
