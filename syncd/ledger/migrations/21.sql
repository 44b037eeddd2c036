-- The source of copies; unknown for those from before.

ALTER TABLE replica ADD COLUMN copied_from TEXT;
