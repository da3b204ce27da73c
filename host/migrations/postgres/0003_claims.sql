-- Which run has which journal run and declaration of another platform, as in
-- host/src/platform/loket/claims.rs and its declarations/claims.rs.
CREATE TABLE claim (
    journal_run uuid PRIMARY KEY,
    run uuid NOT NULL,
    client text NOT NULL,
    "user" text NOT NULL,
    -- Loket's key: 1 sent, 2 written to a file.
    method smallint NOT NULL CHECK (method IN (1, 2)),
    since text NOT NULL,
    -- The status before: 4 (ready) or 6 (export failed).
    status smallint NOT NULL CHECK (status IN (4, 6))
);

CREATE TABLE declaration_claim (
    declaration uuid PRIMARY KEY,
    -- Of the message that was confirmed, or that was first to be sent.
    sha256 text NOT NULL,
    run uuid,
    -- By the clock of the database.
    until timestamptz,
    has_left boolean NOT NULL DEFAULT false,
    sent_time text,
    party_reference text
);

CREATE TABLE declaration_response (
    declaration uuid NOT NULL,
    reference text COLLATE "C" NOT NULL,
    PRIMARY KEY (declaration, reference)
);
