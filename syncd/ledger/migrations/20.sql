-- Figures of each account and hour.

CREATE TABLE activity (                         -- figures of an account in one hour, kept for 30 days
    hour       INTEGER NOT NULL,                -- unix seconds / 3600
    account_id INTEGER NOT NULL REFERENCES account,
    calls      INTEGER NOT NULL DEFAULT 0,      -- that ended in this hour
    throttled  INTEGER NOT NULL DEFAULT 0,      -- of these calls
    uploaded   INTEGER NOT NULL DEFAULT 0,      -- images
    copied     INTEGER NOT NULL DEFAULT 0,      -- images, from another account
    deleted    INTEGER NOT NULL DEFAULT 0,      -- images, by syncd
    budget     INTEGER NOT NULL DEFAULT 0,      -- the largest share of it in use when a call ended, in thousandths
    blocked    INTEGER NOT NULL DEFAULT 0,      -- seconds of pauses and stops, in steps of a reconcile pass
    PRIMARY KEY (hour, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE daemon_hour (                      -- hours of the last 30 days in which a daemon ran
    hour INTEGER PRIMARY KEY                    -- as in `activity`
) STRICT;
