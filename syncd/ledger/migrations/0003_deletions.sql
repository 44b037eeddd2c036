-- What is needed to delete safely, and to copy: which directory a folder was when it was last
-- believed, which images were condemned when its files went, when an image was first sent.

ALTER TABLE folder ADD COLUMN deletions TEXT NOT NULL DEFAULT 'keep';  -- keep, propagate
ALTER TABLE folder ADD COLUMN copying TEXT NOT NULL DEFAULT 'auto';    -- auto, copy, upload
-- As it was when a whole scan of it was last believed:
ALTER TABLE folder ADD COLUMN root_device INTEGER;
ALTER TABLE folder ADD COLUMN root_inode INTEGER;
ALTER TABLE folder ADD COLUMN patterns TEXT;
ALTER TABLE folder ADD COLUMN believed_files INTEGER;
ALTER TABLE folder ADD COLUMN believed_at REAL;  -- when that scan began, unix seconds
ALTER TABLE folder ADD COLUMN passed_at REAL;    -- the last believed_at that a reconcile pass has seen
ALTER TABLE folder ADD COLUMN doubt TEXT;        -- why it is not believed since
ALTER TABLE folder ADD COLUMN doubt_since REAL;

ALTER TABLE route ADD COLUMN place INTEGER NOT NULL DEFAULT 0;  -- 0: the folder's own account

ALTER TABLE replica ADD COLUMN sent_at REAL;  -- when it was first sent, before any answer
UPDATE replica SET sent_at = held_at - 60 WHERE hash IS NOT NULL;

ALTER TABLE account ADD COLUMN audited_to BLOB;    -- the last digest that the audit under way has seen
ALTER TABLE account ADD COLUMN audit_began REAL;   -- unix seconds, and so on
ALTER TABLE account ADD COLUMN audit_ended REAL;
ALTER TABLE account ADD COLUMN audit_asked TEXT;   -- by a person: held, or everything

ALTER TABLE answer ADD COLUMN status TEXT;  -- as an audit found it last

-- An image that no file wants any more in an account, because its last file was deleted. Believed
-- once the folder is, by a scan that began later; deleted once the grace is over.
CREATE TABLE condemned (
    account    TEXT NOT NULL,
    digest     BLOB NOT NULL,
    folder_id  INTEGER NOT NULL REFERENCES folder,
    path       BLOB NOT NULL,               -- of the file that went, relative to the folder
    since      REAL NOT NULL,
    standing   TEXT NOT NULL DEFAULT 'waits',  -- waits; held for a person; approved by one
    not_before REAL NOT NULL DEFAULT 0,     -- when the account is to be asked, at the earliest
    note       TEXT,                        -- why it is still there
    asked      INTEGER NOT NULL DEFAULT 0,  -- how often its deletion was taken
    asked_at   REAL,                        -- when that was first
    hash       TEXT,                        -- under which name that was, until it is confirmed
    PRIMARY KEY (account, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX condemned_by_folder ON condemned (folder_id, standing, since);
CREATE INDEX condemned_to_confirm ON condemned (account, hash) WHERE hash IS NOT NULL;

CREATE TABLE copy_refused (                 -- the destination may not copy out of the source
    source      TEXT NOT NULL,
    destination TEXT NOT NULL,
    until       REAL NOT NULL,
    why         TEXT NOT NULL,
    PRIMARY KEY (destination, source)
) STRICT, WITHOUT ROWID;

-- A rewritten file condemns the image that it was, as a deleted one does. What nothing can be
-- said of (an unreadable file, a folder in doubt) condemns nothing.
CREATE TRIGGER file_rewritten AFTER UPDATE OF digest ON file
WHEN OLD.digest IS NOT NULL AND NEW.digest IS NOT NULL AND OLD.digest IS NOT NEW.digest BEGIN
    INSERT OR REPLACE INTO condemned (account, digest, folder_id, path, since)
    SELECT route.account, OLD.digest, folder.id,
           iif(directory.path = x'', NEW.name, CAST(directory.path || '/' || NEW.name AS BLOB)),
           (julianday('now') - 2440587.5) * 86400.0
    FROM directory JOIN folder ON folder.id = directory.folder_id JOIN route ON route.folder_id = folder.id
    WHERE directory.id = NEW.directory_id AND folder.deletions = 'propagate'
      AND folder.root_inode IS NOT NULL AND folder.doubt IS NULL
      AND NOT EXISTS (
          SELECT 1 FROM file AS other JOIN directory AS its ON its.id = other.directory_id
          JOIN route AS also ON also.folder_id = its.folder_id
          WHERE other.digest = OLD.digest AND also.account = route.account);
END;

-- What was sent may come to be held though its last file is gone: when it was sent is kept.

DROP TRIGGER file_goes;
CREATE TRIGGER file_goes AFTER DELETE ON file WHEN OLD.digest IS NOT NULL BEGIN
    UPDATE replica SET files = files - 1
    WHERE digest = OLD.digest AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
    DELETE FROM replica
    WHERE digest = OLD.digest AND files = 0 AND hash IS NULL AND rejected IS NULL AND sent_at IS NULL AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
END;

DROP TRIGGER file_changes;
CREATE TRIGGER file_changes AFTER UPDATE OF digest ON file WHEN OLD.digest IS NOT NEW.digest BEGIN
    UPDATE replica SET files = files - 1
    WHERE digest = OLD.digest AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
    DELETE FROM replica
    WHERE digest = OLD.digest AND files = 0 AND hash IS NULL AND rejected IS NULL AND sent_at IS NULL AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
    INSERT INTO replica (account, digest, files, rejected, rejected_at)
    SELECT route.account, NEW.digest, 1, image.unfit, iif(image.unfit IS NULL, NULL, (julianday('now') - 2440587.5) * 86400.0)
    FROM directory JOIN route USING (folder_id) JOIN image ON image.digest = NEW.digest
    WHERE directory.id = NEW.directory_id AND NEW.digest IS NOT NULL
    ON CONFLICT (account, digest) DO UPDATE SET files = files + 1;
END;

DROP TRIGGER route_goes;
CREATE TRIGGER route_goes AFTER DELETE ON route BEGIN
    UPDATE replica SET files = files - (
        SELECT count(*) FROM file JOIN directory ON directory.id = file.directory_id
        WHERE file.digest = replica.digest AND directory.folder_id = OLD.folder_id)
    WHERE account = OLD.account AND files > 0;
    DELETE FROM replica
    WHERE account = OLD.account AND files = 0 AND hash IS NULL AND rejected IS NULL AND sent_at IS NULL;
END;
