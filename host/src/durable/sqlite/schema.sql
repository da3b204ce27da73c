-- Runs. The number is the order of submission.
CREATE TABLE run (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,
    client TEXT NOT NULL,
    "user" TEXT NOT NULL,
    employer TEXT NOT NULL,
    job TEXT NOT NULL,
    origin TEXT NOT NULL,
    -- Made by whoever asked for it: no worker takes it up while it is alive,
    -- and it holds up no other.
    direct INTEGER NOT NULL,
    state TEXT NOT NULL,
    submitted INTEGER NOT NULL,
    due INTEGER NOT NULL,
    -- When due was set: before that moment, the clock was moved back.
    due_set INTEGER NOT NULL,
    ended INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- The attempts since it was submitted or retried by a person.
    tries INTEGER NOT NULL DEFAULT 0,
    interrupted INTEGER NOT NULL DEFAULT 0,
    -- The process that has it, if one has.
    holder TEXT,
    -- Grows each time that it is taken up.
    token INTEGER NOT NULL DEFAULT 0,
    cancel TEXT,
    output TEXT,
    error TEXT,
    doubts TEXT NOT NULL DEFAULT '[]',
    happened TEXT NOT NULL DEFAULT '[]',
    UNIQUE (client, employer, key)
) STRICT;
CREATE INDEX run_state ON run (state, number);
CREATE INDEX run_employer ON run (employer, state, number);
CREATE INDEX run_client ON run (client, state, number);

CREATE TABLE attempt (
    run TEXT NOT NULL,
    number INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    ended INTEGER,
    resumed INTEGER NOT NULL DEFAULT 0,
    made TEXT NOT NULL,
    seed BLOB NOT NULL,
    outcome TEXT,
    log TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

-- The journal of the attempt that is under way or interrupted; gone when it
-- ends.
CREATE TABLE step (
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    what TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    write INTEGER NOT NULL,
    repeatable INTEGER NOT NULL,
    exchange TEXT,
    readings TEXT NOT NULL,
    outcome BLOB,
    denied INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, seq)
) STRICT;

-- What was used of daily budgets.
CREATE TABLE budget (
    name TEXT NOT NULL,
    day TEXT NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (name, day)
) STRICT, WITHOUT ROWID;

-- The last moment for which each schedule was carried out.
CREATE TABLE schedule (
    name TEXT PRIMARY KEY,
    ticked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
