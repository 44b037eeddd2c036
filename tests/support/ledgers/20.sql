PRAGMA application_id = 1398361667;
PRAGMA user_version = 20;
BEGIN TRANSACTION;
CREATE TABLE account (
    id                   INTEGER PRIMARY KEY,
    act                  TEXT NOT NULL UNIQUE,  -- the digits of the ad account's id, without act_
    tier                 TEXT,                  -- as its headers last reported: development, standard
    images_charged_until REAL,                  -- each image of a POST costs a call: assumed until then
    largest_body         INTEGER NOT NULL DEFAULT 0 -- bytes of the images of the largest POST that it accepted
) STRICT;
INSERT INTO "account" VALUES(1,'1',NULL,NULL,8510);
INSERT INTO "account" VALUES(2,'2',NULL,NULL,8510);
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
INSERT INTO "activity" VALUES(498865,1,1,0,6,0,0,0,0);
INSERT INTO "activity" VALUES(498865,2,1,0,6,0,0,0,0);
CREATE TABLE alert (                            -- a state that was logged and has not ended
    event   TEXT NOT NULL,                      -- that logged its begin
    subject TEXT NOT NULL,                      -- accounts.main, folders.spring, config
    part    TEXT NOT NULL,                      -- a directory, another account; empty for all of the subject
    since   REAL NOT NULL,
    why     TEXT NOT NULL,
    remedy  TEXT,                               -- what the operator has to do; NULL: nothing
    PRIMARY KEY (event, subject, part)
) STRICT, WITHOUT ROWID;
INSERT INTO "alert" VALUES('made_up','made_up','made_up',1.0,'made_up','made_up');
CREATE TABLE api_call (                         -- calls of the last hour: a restart does not spend them again
    id         INTEGER PRIMARY KEY,             -- in order of arrival
    account_id INTEGER NOT NULL REFERENCES account,
    at         REAL NOT NULL,
    points     INTEGER NOT NULL,
    images     INTEGER NOT NULL,
    process    INTEGER NOT NULL                 -- 0: the one that holds the lock; else a random number of `syncd images`
) STRICT;
INSERT INTO "api_call" VALUES(1,1,1.7959153727981073856e+09,3,6,0);
INSERT INTO "api_call" VALUES(2,2,1.79591537280080842976e+09,3,6,0);
CREATE TABLE audit (                            -- where the audit of an account is
    account_id    INTEGER PRIMARY KEY REFERENCES account,
    position      INTEGER NOT NULL DEFAULT 0,   -- the last image id that the audit under way has compared
    began_at      REAL,
    ended_at      REAL,
    requested     TEXT,                         -- by the operator: held, everything
    suspect_since REAL,                         -- at least half of the hashes were absent, which has to be confirmed
    accepted      INTEGER NOT NULL DEFAULT 0    -- 1: the audit under way believes that: confirmed, or by the operator
) STRICT;
INSERT INTO "audit" VALUES(1,0,NULL,1.79591537293720674515e+09,NULL,NULL,0);
INSERT INTO "audit" VALUES(2,0,NULL,1795915372.93721,NULL,NULL,0);
CREATE TABLE baseline (                         -- a folder as the last trusted whole scan found it
    folder_id     INTEGER PRIMARY KEY REFERENCES folder,
    device        INTEGER,                      -- of the root; NULL: the next whole scan is trusted as it is
    inode         INTEGER,
    filesystem    INTEGER,                      -- f_fsid of statvfs(3); NULL: unknown
    born_ns       INTEGER,                      -- when the root was created; NULL: unknown
    patterns      TEXT,                         -- include and exclude
    files         INTEGER,
    trusted_at    REAL,                         -- the begin of that scan
    trusted_age   REAL,                         -- the same, as an age of this ledger
    reviewed_age  REAL,                         -- the last trusted_age that a reconcile pass has seen
    suspect       TEXT,                         -- why it has not been trusted since; NULL: it is trusted
    suspect_since REAL
) STRICT;
INSERT INTO "baseline" VALUES(1,65024,2196225,-1767307739928934241,1795915372366469762,'*.jpg
*.jpeg
*.jpe
*.jfif
*.jif
*.png
*.gif
*.bmp
*.dib
*.tif
*.tiff',8,1.79591537293528246874e+09,1.0763150700950063765e-01,NULL,NULL,NULL);
CREATE TABLE daemon_hour (                      -- hours of the last 30 days in which a daemon ran
    hour INTEGER PRIMARY KEY                    -- as in `activity`
) STRICT;
INSERT INTO "daemon_hour" VALUES(498865);
CREATE TABLE deletion (                         -- an image whose last file was deleted in a folder that propagates deletions
    account_id  INTEGER NOT NULL REFERENCES account,
    image_id    INTEGER NOT NULL REFERENCES image,
    folder_id   INTEGER NOT NULL REFERENCES folder,
    path        BLOB NOT NULL,                  -- of the deleted or rewritten file, relative to the folder
    directory_id INTEGER,                       -- of that file: what its path contains now has to be held first
    found_at    REAL NOT NULL,                  -- when the deletion was found
    found_age   REAL,                           -- the ledger's age then: the grace begins; NULL: at the next reconcile pass
    state       TEXT NOT NULL DEFAULT 'waiting' CHECK (
                    state IN ('waiting', 'held', 'approved', 'requested', 'withdrawn')),
    retry_at    REAL NOT NULL DEFAULT 0,        -- the account is not asked before this time
    reason      TEXT,                           -- why the image is still there
    skewed      INTEGER NOT NULL DEFAULT 0,     -- daily lookups at which the clocks differed from those of the upload
    attempts    INTEGER NOT NULL DEFAULT 0,     -- DELETE calls that the account did not reject
    PRIMARY KEY (account_id, image_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "deletion" VALUES(1,2,1,X'332E706E67',1,1.79591537293528246874e+09,1.0763150700950063765e-01,'waiting',0.0,NULL,0,0);
INSERT INTO "deletion" VALUES(2,2,1,X'332E706E67',1,1.79591537293528246874e+09,1.0763150700950063765e-01,'waiting',0.0,NULL,0,0);
CREATE TABLE directory (
    id        INTEGER PRIMARY KEY,
    folder_id INTEGER NOT NULL REFERENCES folder,
    parent_id INTEGER REFERENCES directory,     -- NULL: the folder itself
    path      BLOB NOT NULL,                    -- relative to the folder; empty for the folder itself
    inode     INTEGER,                          -- as scans have found it; NULL: not yet
    other_inode INTEGER,                        -- of another directory that replaced it: files in that prove nothing
    UNIQUE (folder_id, path)
) STRICT;
INSERT INTO "directory" VALUES(1,1,NULL,X'',2196225,NULL);
INSERT INTO "directory" VALUES(2,1,1,X'617574756D6E',7734040,NULL);
CREATE TABLE file (
    directory_id INTEGER NOT NULL REFERENCES directory,
    name         BLOB NOT NULL,
    device       INTEGER NOT NULL,              -- what stat(2) returned when the file was read
    inode        INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    mtime_ns     INTEGER NOT NULL,
    ctime_ns     INTEGER NOT NULL,
    image_id     INTEGER REFERENCES image,      -- NULL: it could not be read, or is not finished
    error        TEXT,                          -- why; empty, hole, zeros: it is not finished
    error_since  REAL,
    PRIMARY KEY (directory_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "file" VALUES(1,X'312E706E67',65024,2196241,1424,1795915372400569075,1795915372400569075,1,NULL,NULL);
INSERT INTO "file" VALUES(1,X'352E706E67',65024,2196273,1422,1795915372401108559,1795915372401108559,3,NULL,NULL);
INSERT INTO "file" VALUES(1,X'636F7079206F6620312E706E67',65024,2196289,1424,1795915372401227686,1795915372401227686,1,NULL,NULL);
INSERT INTO "file" VALUES(1,X'656D7074792E706E67',65024,2196305,0,1795915372401227686,1795915372401227686,NULL,'empty',1.79591537264240980143e+09);
INSERT INTO "file" VALUES(1,X'746578742E706E67',65024,2196321,5,1795915372401339533,1795915372401339533,4,NULL,NULL);
INSERT INTO "file" VALUES(2,X'6772C3B6C39F6520302E706E67',65024,7734041,1403,1795915372400330439,1795915372400330439,5,NULL,NULL);
INSERT INTO "file" VALUES(2,X'6772C3B6C39F6520322E706E67',65024,7734042,1413,1795915372400722704,1795915372400722704,6,NULL,NULL);
INSERT INTO "file" VALUES(2,X'6772C3B6C39F6520342E706E67',65024,7734043,1436,1795915372400988149,1795915372400988149,7,NULL,NULL);
CREATE TABLE folder (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,            -- in the configuration
    path       BLOB NOT NULL,
    deletions  TEXT NOT NULL DEFAULT 'keep' CHECK (deletions IN ('keep', 'propagate')),
    copying    TEXT NOT NULL DEFAULT 'auto' CHECK (copying IN ('auto', 'copy', 'upload')),
    error      TEXT,                            -- why it, or a part of it, cannot be read now
    scanned_at REAL                             -- the end of the last whole scan without an error
) STRICT;
INSERT INTO "folder" VALUES(1,'spring',X'2F7372762F737072696E67','propagate','auto',NULL,1.79591537295350527764e+09);
CREATE TABLE former_hash (                      -- of an image that syncd deleted: the same bytes have it again
    image_id   INTEGER NOT NULL REFERENCES image,
    account_id INTEGER NOT NULL REFERENCES account,
    hash       TEXT NOT NULL,
    PRIMARY KEY (image_id, account_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "former_hash" VALUES(1,1,'made_up');
CREATE TABLE former_route (                     -- a route that the configuration has no longer, until its images are kept
    folder_id  INTEGER NOT NULL REFERENCES folder,
    account_id INTEGER NOT NULL REFERENCES account,
    reason     TEXT NOT NULL,                   -- retired: the whole folder; mirror: this account only
    PRIMARY KEY (folder_id, account_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "former_route" VALUES(1,1,'mirror');
CREATE TABLE history (                          -- what happened, for `syncd log`; the oldest rows are removed
    id         INTEGER PRIMARY KEY,             -- in order of arrival, thus of `at` unless a clock was set back
    at         INTEGER NOT NULL,
    what       TEXT NOT NULL,                   -- found, gone, uploaded, copied, …: `ledger/history.py` has all codes
    account_id INTEGER REFERENCES account,
    images     BLOB,                            -- of one commit that found, uploaded or copied them: 4 bytes, the lowest
                                                -- first, for each image id; other rows are about one image, or none
    image_id   INTEGER REFERENCES image,
    folder_id  INTEGER REFERENCES folder,       -- of the path
    path       BLOB,                            -- then, relative to the folder; NULL: as other rows of its image have it
    hash       TEXT,                            -- of what the account has lost; NULL: as in `replica`, or that row
    why        TEXT,
    user       TEXT                             -- who decided it
) STRICT;
INSERT INTO "history" VALUES(1,1795915372,'found',NULL,X'01000000020000000300000004000000050000000600000007000000',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "history" VALUES(2,1795915372,'found',NULL,NULL,1,1,X'636F7079206F6620312E706E67',NULL,NULL,NULL);
INSERT INTO "history" VALUES(3,1795915372,'rejected',1,NULL,4,NULL,NULL,NULL,'not an image: a text file that begins with ''words''',NULL);
INSERT INTO "history" VALUES(4,1795915372,'rejected',2,NULL,4,NULL,NULL,NULL,'not an image: a text file that begins with ''words''',NULL);
INSERT INTO "history" VALUES(5,1795915372,'uploaded',1,X'010000000200000003000000050000000600000007000000',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "history" VALUES(6,1795915372,'uploaded',2,X'010000000200000003000000050000000600000007000000',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "history" VALUES(7,1795915372,'gone',NULL,NULL,2,1,X'332E706E67',NULL,'deleted',NULL);
INSERT INTO "history" VALUES(8,1795915372,'condemned',1,NULL,2,1,X'332E706E67',NULL,NULL,NULL);
INSERT INTO "history" VALUES(9,1795915372,'condemned',2,NULL,2,1,X'332E706E67',NULL,NULL,NULL);
CREATE TABLE image (
    id          INTEGER PRIMARY KEY,
    sha256      BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    size        INTEGER NOT NULL,               -- bytes
    format      TEXT,                           -- JPEG, PNG, GIF, BMP, TIFF; NULL when it is not a picture
    width       INTEGER,                        -- pixels
    height      INTEGER,
    unsupported TEXT                            -- why the API does not accept it
) STRICT;
INSERT INTO "image" VALUES(1,X'BCA56FF4E23BB3770A1FB05FED2840976D3B5F439CC83FE0E9CF2485CE3C288A',1424,'JPEG',40,30,NULL);
INSERT INTO "image" VALUES(2,X'AFD4D53EA65739BDD721D8420C0C5549FC0D607839DA0866F7D98C10709374B0',1412,'JPEG',40,30,NULL);
INSERT INTO "image" VALUES(3,X'0B92660D7766BA4D7141A393840E7815E86BA4DB71864417B14CCF8BAA150D94',1422,'JPEG',40,30,NULL);
INSERT INTO "image" VALUES(4,X'DBA36BFFA5CAB0F922D087A3AEB179F9D4E745DF40B323E1B1471402848C8A3E',5,NULL,NULL,NULL,'not an image: a text file that begins with ''words''');
INSERT INTO "image" VALUES(5,X'0F3064F2B2BEE198A40F689474DBAF78E2252E08493E0BFC4F6D256532905DE3',1403,'JPEG',40,30,NULL);
INSERT INTO "image" VALUES(6,X'92BA6B2D86434D0B4F3822F3DFC0962CAB323075317B81ACFE084926335406F4',1413,'JPEG',40,30,NULL);
INSERT INTO "image" VALUES(7,X'51F6AE5CA3D95E75E87AF4DD27936AC8244C585C47C538ABE05DB948FB941F82',1436,'JPEG',40,30,NULL);
CREATE TABLE kept (                             -- images that are never deleted from an account, until they are released
    account_id INTEGER NOT NULL REFERENCES account,
    image_id   INTEGER NOT NULL REFERENCES image,
    folder_id  INTEGER REFERENCES folder,       -- which had the file; NULL: by_hand, without a file
    path       BLOB,                            -- of the file, relative to the folder
    reason     TEXT NOT NULL,                   -- keep, excluded, suspect, retired, mirror, dismissed, foreign, clock, by_hand
    kept_at    REAL NOT NULL,
    PRIMARY KEY (image_id, account_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "kept" VALUES(1,1,1,X'6D616465207570','keep',1.0);
CREATE TABLE kept_hash (                        -- images that `syncd images copy` copied, and whose bytes syncd never had
    account_id INTEGER NOT NULL REFERENCES account,
    hash       TEXT NOT NULL,
    kept_at    REAL NOT NULL,
    PRIMARY KEY (account_id, hash)
) STRICT, WITHOUT ROWID;
INSERT INTO "kept_hash" VALUES(1,'made_up',1.0);
CREATE TABLE learned (                          -- limitations of an account that responses have shown
    account_id INTEGER NOT NULL REFERENCES account,
    source_id  INTEGER NOT NULL,                -- of copies: the account that they come from; else 0
    what       TEXT NOT NULL,                   -- single_images, unnamed_images, bytes_only, body_size, no_copy
    value      INTEGER,                         -- of body_size: bytes of the smallest POST that it rejected
    since      REAL NOT NULL,
    retry_at   REAL NOT NULL,
    PRIMARY KEY (account_id, source_id, what)
) STRICT, WITHOUT ROWID;
INSERT INTO "learned" VALUES(1,1,'no_copy',1,1.0,1.0);
CREATE TABLE ledger_age (                       -- one row, written by each reconcile pass
    seconds REAL NOT NULL,                      -- for which a daemon has run on this ledger: no wall clock changes it
    started REAL NOT NULL                       -- the age at the last start or reload
) STRICT;
INSERT INTO "ledger_age" VALUES(1.31152841015136800706e-01,0.0925347020092886);
CREATE TABLE missed (                           -- what each scan under way did not find; forgotten or dropped when it ends
    directory_id INTEGER NOT NULL,
    name         BLOB NOT NULL,                 -- empty: the directory itself, with all below it
    scan         INTEGER NOT NULL,
    PRIMARY KEY (directory_id, name, scan)
) STRICT, WITHOUT ROWID;
INSERT INTO "missed" VALUES(1,X'6D616465207570',1);
CREATE TABLE mount (                            -- mount points below a folder at its last trusted whole scan
    folder_id  INTEGER NOT NULL REFERENCES folder,
    path       BLOB NOT NULL,                   -- relative to the folder
    device     INTEGER NOT NULL,
    inode      INTEGER NOT NULL,
    filesystem INTEGER,
    born_ns    INTEGER,
    PRIMARY KEY (folder_id, path)
) STRICT, WITHOUT ROWID;
INSERT INTO "mount" VALUES(1,X'6D616465207570',1,1,1,1);
CREATE TABLE notified (                         -- alerts that a receiver knows, until it also knows that they have ended
    receiver TEXT NOT NULL REFERENCES receiver,
    event    TEXT NOT NULL,                     -- all as in `alert`
    subject  TEXT NOT NULL,
    since    REAL NOT NULL,
    PRIMARY KEY (receiver, event, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO "notified" VALUES('made_up','made_up','made_up',1.0);
CREATE TABLE operator_pause (                   -- nothing is sent to this account, as the operator wants it
    account_id INTEGER PRIMARY KEY REFERENCES account,
    since      REAL NOT NULL,
    until      REAL,                            -- NULL: until `syncd resume`
    why        TEXT,
    user       TEXT NOT NULL                    -- who paused it
) STRICT;
INSERT INTO "operator_pause" VALUES(1,1.0,1.0,'made_up','made_up');
CREATE TABLE own (                              -- when an image that syncd deleted was first in an account because of syncd
    account_id INTEGER NOT NULL REFERENCES account,
    hash       TEXT NOT NULL,
    sent_at    REAL NOT NULL,                   -- both by the server's clock
    deleted_at REAL NOT NULL,
    PRIMARY KEY (account_id, hash)
) STRICT, WITHOUT ROWID;
INSERT INTO "own" VALUES(1,'made_up',1.0,1.0);
CREATE TABLE pause (                            -- nothing is sent to this account
    account_id  INTEGER PRIMARY KEY REFERENCES account,
    kind        TEXT NOT NULL,
    why         TEXT NOT NULL,
    since       REAL NOT NULL,
    until       REAL,                           -- NULL: stopped until the operator has acted
    consecutive INTEGER NOT NULL,               -- 1: the first pause after a success
    remedy      TEXT
) STRICT;
INSERT INTO "pause" VALUES(1,'made_up','made_up',1.0,1.0,1,'made_up');
CREATE TABLE receiver (                         -- of notifications: [[notify]]
    code       TEXT PRIMARY KEY,                -- of its source and of what it is notified of
    history_id INTEGER NOT NULL,                -- rows of the history up to this one were delivered, or do not concern it
    sent_at    REAL                             -- when it last accepted a notification; NULL: never
) STRICT, WITHOUT ROWID;
INSERT INTO "receiver" VALUES('made_up',1,1.0);
CREATE TABLE refresh (                          -- after a change of routes: the last file whose replicas were refreshed
    directory_id INTEGER NOT NULL,
    name         BLOB NOT NULL
) STRICT;
INSERT INTO "refresh" VALUES(1,X'6D616465207570');
CREATE TABLE renumbered (                       -- directories with another inode than before, found by the scan under way
    scan  INTEGER NOT NULL,
    path  BLOB NOT NULL,
    inode INTEGER NOT NULL,
    same  INTEGER NOT NULL,                     -- 1: a known file is unchanged in it: it is the directory from before
    PRIMARY KEY (scan, path)
) STRICT, WITHOUT ROWID;
INSERT INTO "renumbered" VALUES(1,X'6D616465207570',1,1);
CREATE TABLE replica (
    account_id     INTEGER NOT NULL REFERENCES account,
    image_id       INTEGER NOT NULL REFERENCES image,
    wanted         INTEGER NOT NULL,            -- 1: a file in a folder routed to this account has it
    wanted_at      INTEGER,                     -- since when it is wanted, or missing again
    sent_at        REAL,                        -- first attempt, by the server's clock; recorded before the call
    clock_offset   INTEGER,                     -- seconds by which that clock was ahead then; NULL: unknown, sent_at is ours
    hash           TEXT,                        -- Meta's hash of it in this account; NULL until it is uploaded
    held_at        INTEGER,
    delete_sent_at REAL,                        -- a DELETE was sent, recorded before the call; NULL once its effect is known
    delete_failed  INTEGER NOT NULL DEFAULT 0,  -- unconfirmed: 1: the API responded with an error, and no file needs it since
    resent_at      REAL,                        -- unconfirmed: it was sent again after the DELETE; NULL: it was not
    check_at       REAL,                        -- unconfirmed: when the account is read next; NULL: at once
    remote_name    TEXT,                        -- as last listed
    remote_status  TEXT,
    rejected       TEXT,                        -- why it is not sent again
    last_error     TEXT,                        -- of the last attempt, while it is missing
    doubted_at     REAL,                        -- first error that rejects it if the same one comes again later
    state          TEXT GENERATED ALWAYS AS (CASE
                       WHEN delete_sent_at IS NOT NULL THEN 'unconfirmed'
                       WHEN hash IS NOT NULL THEN iif(wanted, 'held', 'unwanted')
                       WHEN wanted THEN iif(rejected IS NULL, 'missing', 'rejected')
                       ELSE 'forgotten' END) VIRTUAL,
    PRIMARY KEY (image_id, account_id)          -- the image first: the rows of one commit are next to each other
) STRICT, WITHOUT ROWID;
INSERT INTO "replica" VALUES(1,1,1,1795915372,1.79591537200044941901e+09,-1,'7c74b88203d7c23257410fb9710b5d6e',1795915372,NULL,0,NULL,NULL,'1.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(2,1,1,1795915372,1.79591537201492118837e+09,-1,'7c74b88203d7c23257410fb9710b5d6e',1795915372,NULL,0,NULL,NULL,'1.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(1,2,0,1795915372,1.79591537200044941901e+09,-1,'6f92fdf1ef55eda0cad2cc0b7c92fcf9',1795915372,NULL,0,NULL,NULL,'3.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(2,2,0,1795915372,1.79591537201492118837e+09,-1,'6f92fdf1ef55eda0cad2cc0b7c92fcf9',1795915372,NULL,0,NULL,NULL,'3.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(1,3,1,1795915372,1.79591537200044941901e+09,-1,'120a12cd6fd1936961d4a07e609cf66b',1795915372,NULL,0,NULL,NULL,'5.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(2,3,1,1795915372,1.79591537201492118837e+09,-1,'120a12cd6fd1936961d4a07e609cf66b',1795915372,NULL,0,NULL,NULL,'5.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(1,4,1,1795915372,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'not an image: a text file that begins with ''words''',NULL,NULL);
INSERT INTO "replica" VALUES(2,4,1,1795915372,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'not an image: a text file that begins with ''words''',NULL,NULL);
INSERT INTO "replica" VALUES(1,5,1,1795915372,1.79591537200044941901e+09,-1,'7aacb7d28b4a1063aee68038a77aa159',1795915372,NULL,0,NULL,NULL,'größe 0.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(2,5,1,1795915372,1.79591537201492118837e+09,-1,'7aacb7d28b4a1063aee68038a77aa159',1795915372,NULL,0,NULL,NULL,'größe 0.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(1,6,1,1795915372,1.79591537200044941901e+09,-1,'5ccf735d71b02a56a82505f19c912320',1795915372,NULL,0,NULL,NULL,'größe 2.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(2,6,1,1795915372,1.79591537201492118837e+09,-1,'5ccf735d71b02a56a82505f19c912320',1795915372,NULL,0,NULL,NULL,'größe 2.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(1,7,1,1795915372,1.79591537200044941901e+09,-1,'8a8b7fc9ec9566fadba028c5b4edcc66',1795915372,NULL,0,NULL,NULL,'größe 4.png',NULL,NULL,NULL,NULL);
INSERT INTO "replica" VALUES(2,7,1,1795915372,1.79591537201492118837e+09,-1,'8a8b7fc9ec9566fadba028c5b4edcc66',1795915372,NULL,0,NULL,NULL,'größe 4.png',NULL,NULL,NULL,NULL);
CREATE TABLE request (                          -- one row, raised by each command whose change a daemon has to act on
    count INTEGER NOT NULL
) STRICT;
INSERT INTO "request" VALUES(0);
CREATE TABLE route (                            -- the accounts that a folder's images go to
    folder_id  INTEGER NOT NULL REFERENCES folder,
    account_id INTEGER NOT NULL REFERENCES account,
    position   INTEGER NOT NULL,                -- 0: the folder's own account; others are its mirrors, in order
    PRIMARY KEY (folder_id, account_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "route" VALUES(1,1,0);
INSERT INTO "route" VALUES(1,2,1);
CREATE TABLE shard (                            -- one row
    name TEXT                                   -- K/N; NULL: it has all accounts
) STRICT;
INSERT INTO "shard" VALUES(NULL);
CREATE TABLE skipped (                          -- files that the last whole scan did not take
    folder_id INTEGER NOT NULL REFERENCES folder,
    reason    TEXT NOT NULL,                    -- hidden, excluded, link, odd_name, no_extension, other, or an extension
    files     INTEGER NOT NULL,
    PRIMARY KEY (folder_id, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO "skipped" VALUES(1,'.txt',1);
ANALYZE "sqlite_master";
INSERT INTO "sqlite_stat1" VALUES('history','history_by_image','3 2 1');
INSERT INTO "sqlite_stat1" VALUES('history',NULL,'6');
INSERT INTO "sqlite_stat1" VALUES('api_call','api_call_by_account','2 1 1');
INSERT INTO "sqlite_stat1" VALUES('skipped','skipped','1 1 1');
INSERT INTO "sqlite_stat1" VALUES('folder','sqlite_autoindex_folder_1','1 1');
INSERT INTO "sqlite_stat1" VALUES('route','route','2 2 1');
INSERT INTO "sqlite_stat1" VALUES('image','sqlite_autoindex_image_1','7 1');
INSERT INTO "sqlite_stat1" VALUES('file','file_with_error','1 1');
INSERT INTO "sqlite_stat1" VALUES('file','file_by_image','8 2');
INSERT INTO "sqlite_stat1" VALUES('file','file','9 5 1');
INSERT INTO "sqlite_stat1" VALUES('replica','replica_unwanted','2 1 1 1 1');
INSERT INTO "sqlite_stat1" VALUES('replica','replica_by_hash','12 6 1');
INSERT INTO "sqlite_stat1" VALUES('replica','replica_rejected','2 1 1 1');
INSERT INTO "sqlite_stat1" VALUES('replica','replica','14 2 1');
INSERT INTO "sqlite_stat1" VALUES('deletion','deletion_by_folder','2 2 2');
INSERT INTO "sqlite_stat1" VALUES('deletion','deletion','2 1 1');
INSERT INTO "sqlite_stat1" VALUES('activity','activity','2 2 1');
INSERT INTO "sqlite_stat1" VALUES('directory','directory_by_inode','2 1');
INSERT INTO "sqlite_stat1" VALUES('directory','directory_by_parent','2 1');
INSERT INTO "sqlite_stat1" VALUES('directory','sqlite_autoindex_directory_1','2 2 1');
CREATE TABLE unanswered (                       -- calls that sent an image, until the account is known to hold it
    account_id INTEGER NOT NULL REFERENCES account,
    image_id   INTEGER NOT NULL REFERENCES image,
    sent_as    TEXT NOT NULL,                   -- name and the name of an upload's part; hash and the hash of a copy's source
    first_at   REAL NOT NULL,                   -- the first and the last of them, by the server's clock
    last_at    REAL NOT NULL,
    PRIMARY KEY (account_id, image_id, sent_as)
) STRICT, WITHOUT ROWID;
INSERT INTO "unanswered" VALUES(1,1,'name made up',1.0,1.0);
CREATE INDEX directory_by_parent ON directory (parent_id);
CREATE INDEX directory_by_inode ON directory (inode);
CREATE INDEX directory_replaced ON directory (other_inode) WHERE other_inode IS NOT NULL;
CREATE INDEX file_by_image ON file (image_id) WHERE image_id IS NOT NULL;
CREATE INDEX file_with_error ON file (error) WHERE error IS NOT NULL;
CREATE INDEX replica_missing ON replica (account_id, wanted_at, image_id, wanted, hash, rejected)
    WHERE wanted = 1 AND hash IS NULL AND rejected IS NULL;
CREATE INDEX replica_rejected ON replica (account_id, rejected, wanted) WHERE rejected IS NOT NULL;
CREATE INDEX replica_with_error ON replica (account_id, last_error, wanted, hash, rejected, delete_sent_at)
    WHERE last_error IS NOT NULL;
CREATE INDEX replica_unconfirmed ON replica (account_id, wanted, hash, delete_sent_at) WHERE delete_sent_at IS NOT NULL;
CREATE INDEX replica_by_hash ON replica (account_id, hash) WHERE hash IS NOT NULL;
CREATE INDEX replica_unwanted ON replica (account_id, image_id, wanted, hash) WHERE wanted = 0 AND hash IS NOT NULL;
CREATE INDEX deletion_by_folder ON deletion (folder_id, state);
CREATE INDEX kept_by_folder ON kept (folder_id, reason);
CREATE INDEX api_call_by_account ON api_call (account_id, at);
CREATE INDEX history_by_image ON history (image_id, account_id) WHERE image_id IS NOT NULL;
CREATE INDEX history_of_gone ON history (path, folder_id, image_id) WHERE what = 'gone';
CREATE INDEX history_of_lost ON history (hash, image_id) WHERE what IN ('deleted', 'lost');
CREATE VIEW wanted AS                           -- replicas that files on disk require; CROSS JOIN: `image` is never scanned
SELECT route.account_id, file.image_id, image.unsupported
FROM file
    CROSS JOIN image ON image.id = file.image_id
    JOIN directory ON directory.id = file.directory_id
    JOIN route ON route.folder_id = directory.folder_id;
CREATE VIEW files AS                            -- for operators: every file and its image
SELECT CAST(rtrim(folder.path, '/') || '/' || iif(directory.path = x'', '', directory.path || '/') || file.name AS TEXT)
           AS file,
       folder.name AS folder, lower(hex(image.sha256)) AS sha256, coalesce(file.error, image.unsupported) AS why
FROM file
    JOIN directory ON directory.id = file.directory_id
    JOIN folder ON folder.id = directory.folder_id
    LEFT JOIN image ON image.id = file.image_id;
CREATE VIEW replicas AS                         -- for operators: every image in every account
SELECT account.act AS account, lower(hex(image.sha256)) AS sha256, replica.state, replica.hash,
       coalesce(replica.rejected, replica.last_error) AS why
FROM replica
    JOIN account ON account.id = replica.account_id
    JOIN image ON image.id = replica.image_id;
COMMIT;
