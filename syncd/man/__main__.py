"""`python -m syncd.man`: write the man pages and the README's event table."""

from syncd.cli.app import app
from syncd.man import events_table
from syncd.man.pages import files

for file, source in files(app).items():
    file.write_text(source, encoding="ascii")
events_table.write()
