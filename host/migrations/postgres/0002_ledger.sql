-- The ledger, as in host/src/ledger/schema.sql: append only. Each row holds the
-- hash of all that precedes it.
CREATE TABLE ledger (
    seq bigint PRIMARY KEY,
    time text COLLATE "C" NOT NULL,
    run text COLLATE "C" NOT NULL,
    client text COLLATE "C" NOT NULL,
    "user" text COLLATE "C" NOT NULL,
    employer text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    activity text COLLATE "C",
    "check" text COLLATE "C",
    exchange text COLLATE "C",
    summary text NOT NULL,
    status integer,
    outcome text,
    headers text NOT NULL,
    body_size bigint NOT NULL,
    body_sha256 text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    body bytea
);
-- Bodies are compressed where that helps; nothing else is read with them.
CREATE INDEX ledger_client ON ledger (client, seq);
CREATE INDEX ledger_employer ON ledger (employer, seq);
CREATE INDEX ledger_run ON ledger (run, seq);
CREATE INDEX ledger_hash ON ledger (hash);
CREATE INDEX ledger_denials ON ledger (client, time, "check") WHERE kind = 'denial';
CREATE INDEX ledger_alarms ON ledger (client, time) WHERE kind = 'alarm';

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append only';
END $$;
CREATE TRIGGER ledger_never_changes BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_never_forgets BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
