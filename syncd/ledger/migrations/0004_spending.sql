-- What an account may spend, for the ledgers whose first version did not have it yet: its tier,
-- and the calls of the last hour, which a restart must not spend again. A tier is learnt anew.

CREATE TABLE account_with_tier (
    account      TEXT NOT NULL PRIMARY KEY,
    alone_until  REAL,                -- it refused every shared POST: one image a POST until then
    tier         TEXT,                -- what its headers said last: development, standard
    audited_to   BLOB,                -- the last digest that the audit under way has seen
    audit_began  REAL,                -- unix seconds, and so on
    audit_ended  REAL,
    audit_asked  TEXT                 -- by a person: held, or everything
) STRICT, WITHOUT ROWID;
INSERT INTO account_with_tier (account, alone_until, audited_to, audit_began, audit_ended, audit_asked)
SELECT account, alone_until, audited_to, audit_began, audit_ended, audit_asked FROM account;
DROP TABLE account;
ALTER TABLE account_with_tier RENAME TO account;

CREATE TABLE IF NOT EXISTS call (
    account TEXT NOT NULL,
    at      REAL NOT NULL,           -- unix seconds
    points  INTEGER NOT NULL,
    images  INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS call_by_account ON call (account, at);
