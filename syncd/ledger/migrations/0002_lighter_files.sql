-- What a file costs to write down is the upkeep of indexes, and of what its trigger may set off.
-- Replicas of an image are asked for by (account, digest), the key, over the accounts of a folder's
-- routes; and a replica that nothing is known of any more goes with the file or route that it came
-- with, for a trigger on replica itself is paid for by every file that comes.

DROP INDEX replica_by_digest;
DROP TRIGGER replica_forgotten;

DROP TRIGGER file_goes;
CREATE TRIGGER file_goes AFTER DELETE ON file WHEN OLD.digest IS NOT NULL BEGIN
    UPDATE replica SET files = files - 1
    WHERE digest = OLD.digest AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
    DELETE FROM replica
    WHERE digest = OLD.digest AND files = 0 AND hash IS NULL AND rejected IS NULL AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
END;

DROP TRIGGER file_changes;
CREATE TRIGGER file_changes AFTER UPDATE OF digest ON file WHEN OLD.digest IS NOT NEW.digest BEGIN
    UPDATE replica SET files = files - 1
    WHERE digest = OLD.digest AND account IN (
        SELECT account FROM directory JOIN route USING (folder_id) WHERE directory.id = OLD.directory_id);
    DELETE FROM replica
    WHERE digest = OLD.digest AND files = 0 AND hash IS NULL AND rejected IS NULL AND account IN (
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
    WHERE account = OLD.account AND files = 0 AND hash IS NULL AND rejected IS NULL;
END;
