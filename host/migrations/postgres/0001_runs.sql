-- Runs, as in host/src/durable/sqlite/schema.sql, for hosts on several machines.
-- Text that sorts or compares by bytes has the collation "C".
CREATE TABLE run (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    key text COLLATE "C" NOT NULL,
    client text COLLATE "C" NOT NULL,
    "user" text COLLATE "C" NOT NULL,
    employer uuid NOT NULL,
    job text NOT NULL,
    origin text NOT NULL,
    direct boolean NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'needs-a-person', 'cancelled', 'dead')),
    -- Milliseconds since 1970-01-01T00:00:00Z, by the clock of a host.
    submitted bigint NOT NULL,
    due bigint NOT NULL,
    ended bigint,
    attempts integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    interrupted boolean NOT NULL DEFAULT false,
    -- The process that took it up last.
    holder uuid,
    -- Grows each time that it is taken up.
    token bigint NOT NULL DEFAULT 0,
    cancel text,
    output text,
    error text,
    doubts text NOT NULL DEFAULT '[]',
    happened text NOT NULL DEFAULT '[]',
    UNIQUE (client, employer, key)
);
-- What is asked again and again is asked of runs that are not over.
CREATE INDEX run_open ON run (number) WHERE state IN ('queued', 'running');
CREATE INDEX run_open_employer ON run (employer, number) WHERE state IN ('queued', 'running');
CREATE INDEX run_running_client ON run (client) WHERE state = 'running';
CREATE INDEX run_client ON run (client, number);
CREATE INDEX run_employer ON run (employer, number);
CREATE INDEX run_person ON run (number) WHERE state = 'needs-a-person';

CREATE TABLE attempt (
    run uuid NOT NULL,
    number integer NOT NULL,
    begun bigint NOT NULL,
    ended bigint,
    resumed integer NOT NULL DEFAULT 0,
    made text NOT NULL,
    seed bytea NOT NULL,
    outcome text,
    log text NOT NULL DEFAULT '[]',
    PRIMARY KEY (run, number)
);

-- The journal of the attempt that is under way or interrupted; gone when it
-- ends.
CREATE TABLE step (
    run uuid NOT NULL,
    seq bigint NOT NULL,
    what text NOT NULL,
    fingerprint text NOT NULL,
    write boolean NOT NULL,
    repeatable boolean NOT NULL,
    exchange uuid,
    readings text NOT NULL,
    outcome bytea,
    denied boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run, seq)
);

-- What was used of daily budgets.
CREATE TABLE budget (
    name text COLLATE "C" NOT NULL,
    day text COLLATE "C" NOT NULL,
    spent bigint NOT NULL,
    PRIMARY KEY (name, day)
);

-- The last moment for which each schedule was carried out.
CREATE TABLE schedule (
    name text COLLATE "C" PRIMARY KEY,
    ticked bigint NOT NULL
);

-- Which hosts are there, by the clock of the database.
CREATE TABLE presence (
    holder uuid PRIMARY KEY,
    seen timestamptz NOT NULL
);

-- Requests to outside parties in the last minute, and those under way.
CREATE TABLE sent (
    budget text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX sent_budget ON sent (budget, at);
CREATE TABLE place (
    id uuid PRIMARY KEY,
    budget text COLLATE "C" NOT NULL,
    holder uuid NOT NULL
);
CREATE INDEX place_budget ON place (budget);
