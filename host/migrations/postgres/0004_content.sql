-- What lies beside a row of the ledger, as in host/src/ledger/schema-2.sql. It
-- may be encrypted anew, and erased.
CREATE TABLE content (
    seq bigint PRIMARY KEY,
    private bytea NOT NULL,
    body bytea
);

-- A body that is in the row itself may leave it; nothing else of a row changes.
DROP TRIGGER ledger_never_changes ON ledger;
CREATE TRIGGER ledger_never_changes
    BEFORE UPDATE OF seq, time, run, client, "user", employer, kind, activity, "check", exchange, summary, status, outcome, headers, body_size, body_sha256, hash OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_bodies_only_leave
    BEFORE UPDATE OF body ON ledger
    FOR EACH ROW WHEN (NEW.body IS NOT NULL) EXECUTE FUNCTION ledger_is_append_only();
