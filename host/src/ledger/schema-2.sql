-- What lies beside a row: see beside.rs. It may be encrypted anew, and erased.
CREATE TABLE content (
    seq INTEGER PRIMARY KEY,
    private BLOB NOT NULL,
    -- Last, so that the rest is read without it.
    body BLOB
) STRICT;

-- A body that is in the row itself, as in schema 1, may leave it; nothing else
-- of a row changes.
DROP TRIGGER ledger_never_changes;
CREATE TRIGGER ledger_never_changes
BEFORE UPDATE OF seq, time, run, client, "user", employer, kind, activity, "check", exchange, summary, status, outcome, headers, body_size, body_sha256, hash ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END;
CREATE TRIGGER ledger_bodies_only_leave BEFORE UPDATE OF body ON ledger
WHEN NEW.body IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END;
