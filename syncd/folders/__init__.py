"""The disk: folders are watched and scanned, and their files read and digested."""
