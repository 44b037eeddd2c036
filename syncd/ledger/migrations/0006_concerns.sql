-- What was said of trouble that is not over: its end says how long it lasted, also in a later
-- process, and `syncd status` shows what waits for a person.

CREATE TABLE concern (
    event   TEXT NOT NULL,           -- the log's, that told of its beginning
    subject TEXT NOT NULL,           -- as the configuration has it: accounts.main, folders.spring; or config
    part    TEXT NOT NULL,           -- of the subject: a directory, another account; '' for all of it
    since   REAL NOT NULL,           -- unix seconds
    why     TEXT NOT NULL,
    remedy  TEXT,                    -- what a person is to do; NULL where nobody has to
    PRIMARY KEY (event, subject, part)
) STRICT, WITHOUT ROWID;

ALTER TABLE pause ADD COLUMN remedy TEXT;  -- the same

ALTER TABLE file ADD COLUMN trouble_since REAL;  -- unix seconds
UPDATE file SET trouble_since = (julianday('now') - 2440587.5) * 86400.0 WHERE trouble IS NOT NULL;
