-- Since when an image that is missing waits: since its first file came, or since the account lost
-- it. Of what was missing before this was written down, nobody knows: it counts from now on.

ALTER TABLE replica ADD COLUMN wanted_at INTEGER;  -- unix seconds, whole: half the bytes
UPDATE replica SET wanted_at = CAST(strftime('%s', 'now') AS INTEGER)
WHERE files > 0 AND hash IS NULL AND rejected IS NULL;

-- What is told of the missing on a period, their troubles and the oldest, never leaves the index.
DROP INDEX replica_missing;
CREATE INDEX replica_missing ON replica (account, digest, files, hash, rejected, trouble, wanted_at)
    WHERE files > 0 AND hash IS NULL AND rejected IS NULL;

DROP TRIGGER file_comes;
CREATE TRIGGER file_comes AFTER INSERT ON file WHEN NEW.digest IS NOT NULL BEGIN
    INSERT INTO replica (account, digest, files, rejected, rejected_at, wanted_at)
    SELECT route.account, NEW.digest, 1, image.unfit, iif(image.unfit IS NULL, NULL, (julianday('now') - 2440587.5) * 86400.0),
           CAST(strftime('%s', 'now') AS INTEGER)
    FROM directory JOIN route USING (folder_id) JOIN image ON image.digest = NEW.digest
    WHERE directory.id = NEW.directory_id
    ON CONFLICT (account, digest) DO UPDATE SET files = files + 1, wanted_at = iif(files > 0, wanted_at, excluded.wanted_at);
END;

DROP TRIGGER file_changes;
CREATE TRIGGER file_changes AFTER UPDATE OF digest ON file WHEN OLD.digest IS NOT NEW.digest BEGIN
    UPDATE replica SET files = files - 1
    WHERE digest = OLD.digest AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
    DELETE FROM replica
    WHERE digest = OLD.digest AND files = 0 AND hash IS NULL AND rejected IS NULL AND sent_at IS NULL AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
    INSERT INTO replica (account, digest, files, rejected, rejected_at, wanted_at)
    SELECT route.account, NEW.digest, 1, image.unfit, iif(image.unfit IS NULL, NULL, (julianday('now') - 2440587.5) * 86400.0),
           CAST(strftime('%s', 'now') AS INTEGER)
    FROM directory JOIN route USING (folder_id) JOIN image ON image.digest = NEW.digest
    WHERE directory.id = NEW.directory_id AND NEW.digest IS NOT NULL
    ON CONFLICT (account, digest) DO UPDATE SET files = files + 1, wanted_at = iif(files > 0, wanted_at, excluded.wanted_at);
END;

DROP TRIGGER route_comes;
CREATE TRIGGER route_comes AFTER INSERT ON route BEGIN
    INSERT INTO replica (account, digest, files, rejected, rejected_at, wanted_at)
    SELECT NEW.account, file.digest, count(*), image.unfit, iif(image.unfit IS NULL, NULL, (julianday('now') - 2440587.5) * 86400.0),
           CAST(strftime('%s', 'now') AS INTEGER)
    FROM directory JOIN file ON file.directory_id = directory.id JOIN image USING (digest)
    WHERE directory.folder_id = NEW.folder_id
    GROUP BY file.digest
    ON CONFLICT (account, digest) DO UPDATE SET files = files + excluded.files, wanted_at = iif(files > 0, wanted_at, excluded.wanted_at);
END;
