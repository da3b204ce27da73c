-- Logins of users, and the codes and refresh tokens that came of them. Codes
-- and tokens are kept as their SHA-256 only. Times are seconds since 1970.
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    "user" TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER,
    reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX session_expires ON session (expires);

CREATE TABLE code (
    hash BLOB PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    expires INTEGER NOT NULL,
    used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX code_session ON code (session);

CREATE TABLE refresh_token (
    hash BLOB PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_token_session ON refresh_token (session);
