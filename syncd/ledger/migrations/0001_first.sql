-- Facts: folder, route, directory, file, image, pause, account, and what stands in replica beside `files`.
-- Kept by triggers: replica.files, the number of files that want an image in an account. So that
--     wanted  = replica WHERE files > 0
--     held    = replica WHERE hash IS NOT NULL
--     missing = wanted, not held, not rejected
-- hold after every single statement, and no list of jobs is needed beside them.

CREATE TABLE folder (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    path       BLOB NOT NULL,
    trouble    TEXT,              -- why it cannot be read now
    scanned_at REAL               -- when a whole scan last ended without an error, unix seconds
) STRICT;

CREATE TABLE route (
    folder_id INTEGER NOT NULL REFERENCES folder,
    account   TEXT NOT NULL,      -- the digits of its id
    PRIMARY KEY (folder_id, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE directory (
    id        INTEGER PRIMARY KEY,
    folder_id INTEGER NOT NULL REFERENCES folder,
    parent_id INTEGER REFERENCES directory,
    path      BLOB NOT NULL,      -- relative to the folder; empty for the folder itself
    missed_by INTEGER,            -- the scan that did not see it; believed when that scan ends well
    UNIQUE (folder_id, path)
) STRICT;
CREATE INDEX directory_by_parent ON directory (parent_id);
CREATE INDEX directory_missed ON directory (missed_by) WHERE missed_by IS NOT NULL;

CREATE TABLE image (
    digest BLOB NOT NULL PRIMARY KEY,
    size   INTEGER NOT NULL,      -- bytes
    format TEXT,                  -- JPEG, PNG …; NULL when it is no image
    width  INTEGER,
    height INTEGER,
    unfit  TEXT                   -- why it is no image that the API takes
) STRICT, WITHOUT ROWID;

CREATE TABLE file (
    directory_id INTEGER NOT NULL REFERENCES directory,
    name         BLOB NOT NULL,
    device       INTEGER NOT NULL,
    inode        INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    mtime_ns     INTEGER NOT NULL,
    ctime_ns     INTEGER NOT NULL,
    digest       BLOB REFERENCES image,  -- NULL: it could not be read
    trouble      TEXT,                   -- why
    missed_by    INTEGER,
    PRIMARY KEY (directory_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_by_digest ON file (digest) WHERE digest IS NOT NULL;
CREATE INDEX file_in_trouble ON file (trouble) WHERE trouble IS NOT NULL;
CREATE INDEX file_missed ON file (missed_by) WHERE missed_by IS NOT NULL;

CREATE TABLE replica (
    account     TEXT NOT NULL,
    digest      BLOB NOT NULL,
    files       INTEGER NOT NULL DEFAULT 0,
    hash        TEXT,             -- the account's name for it, once it is held
    held_at     REAL,
    rejected    TEXT,             -- why it is not asked again
    rejected_at REAL,
    trouble     TEXT,             -- what its last try met, while it is missing
    PRIMARY KEY (account, digest)
) STRICT, WITHOUT ROWID;
-- Each names the columns of its own condition, so that a count never leaves the index.
CREATE INDEX replica_missing ON replica (account, digest, files, hash, rejected)
    WHERE files > 0 AND hash IS NULL AND rejected IS NULL;
CREATE INDEX replica_wanted ON replica (account, files) WHERE files > 0;
CREATE INDEX replica_rejected ON replica (account) WHERE rejected IS NOT NULL;
CREATE INDEX replica_by_digest ON replica (digest);
CREATE INDEX replica_by_hash ON replica (hash) WHERE hash IS NOT NULL;

CREATE TABLE answer (                -- what the account said of a held image when it came
    account TEXT NOT NULL,
    digest  BLOB NOT NULL,
    name    TEXT,
    width   INTEGER,
    height  INTEGER,
    url     TEXT,                    -- these expire
    url_128 TEXT,
    url_256 TEXT,
    PRIMARY KEY (account, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (                 -- nothing goes to this account
    account TEXT NOT NULL PRIMARY KEY,
    kind    TEXT NOT NULL,
    why     TEXT NOT NULL,
    since   REAL NOT NULL,           -- unix seconds
    until   REAL,                    -- NULL: until a person has done something
    row     INTEGER NOT NULL         -- how many pauses in a row this is
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    account     TEXT NOT NULL PRIMARY KEY,
    alone_until REAL,                -- it refused every shared POST: one image a POST until then
    tier        TEXT                 -- what its headers said last: development, standard
) STRICT, WITHOUT ROWID;

CREATE TABLE call (                  -- of the last hour: what a restart must not spend again
    account TEXT NOT NULL,
    at      REAL NOT NULL,           -- unix seconds
    points  INTEGER NOT NULL,
    images  INTEGER NOT NULL
) STRICT;
CREATE INDEX call_by_account ON call (account, at);

CREATE TRIGGER file_comes AFTER INSERT ON file WHEN NEW.digest IS NOT NULL BEGIN
    INSERT INTO replica (account, digest, files, rejected, rejected_at)
    SELECT route.account, NEW.digest, 1, image.unfit, iif(image.unfit IS NULL, NULL, (julianday('now') - 2440587.5) * 86400.0)
    FROM directory JOIN route USING (folder_id) JOIN image ON image.digest = NEW.digest
    WHERE directory.id = NEW.directory_id
    ON CONFLICT (account, digest) DO UPDATE SET files = files + 1;
END;

CREATE TRIGGER file_goes AFTER DELETE ON file WHEN OLD.digest IS NOT NULL BEGIN
    UPDATE replica SET files = files - 1
    WHERE digest = OLD.digest AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
END;

CREATE TRIGGER file_changes AFTER UPDATE OF digest ON file WHEN OLD.digest IS NOT NEW.digest BEGIN
    UPDATE replica SET files = files - 1
    WHERE digest = OLD.digest AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
    INSERT INTO replica (account, digest, files, rejected, rejected_at)
    SELECT route.account, NEW.digest, 1, image.unfit, iif(image.unfit IS NULL, NULL, (julianday('now') - 2440587.5) * 86400.0)
    FROM directory JOIN route USING (folder_id) JOIN image ON image.digest = NEW.digest
    WHERE directory.id = NEW.directory_id AND NEW.digest IS NOT NULL
    ON CONFLICT (account, digest) DO UPDATE SET files = files + 1;
END;

CREATE TRIGGER route_comes AFTER INSERT ON route BEGIN
    INSERT INTO replica (account, digest, files, rejected, rejected_at)
    SELECT NEW.account, file.digest, count(*), image.unfit, iif(image.unfit IS NULL, NULL, (julianday('now') - 2440587.5) * 86400.0)
    FROM directory JOIN file ON file.directory_id = directory.id JOIN image USING (digest)
    WHERE directory.folder_id = NEW.folder_id
    GROUP BY file.digest
    ON CONFLICT (account, digest) DO UPDATE SET files = files + excluded.files;
END;

CREATE TRIGGER route_goes AFTER DELETE ON route BEGIN
    UPDATE replica SET files = files - (
        SELECT count(*) FROM file JOIN directory ON directory.id = file.directory_id
        WHERE file.digest = replica.digest AND directory.folder_id = OLD.folder_id)
    WHERE account = OLD.account AND files > 0;
END;

CREATE TRIGGER replica_forgotten AFTER UPDATE OF files ON replica
WHEN NEW.files = 0 AND NEW.hash IS NULL AND NEW.rejected IS NULL BEGIN
    DELETE FROM replica WHERE account = NEW.account AND digest = NEW.digest;
END;

CREATE VIEW library AS
SELECT folder.name AS folder, directory.path AS directory, file.name AS file, lower(hex(file.digest)) AS sha256,
       replica.account, replica.hash, replica.rejected, replica.trouble
FROM file JOIN directory ON directory.id = file.directory_id JOIN folder ON folder.id = directory.folder_id
JOIN route ON route.folder_id = folder.id
LEFT JOIN replica ON replica.digest = file.digest AND replica.account = route.account;
