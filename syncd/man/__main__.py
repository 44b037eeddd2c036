"""`python -m syncd.man`: write the man pages."""

from syncd.cli.app import app
from syncd.man.pages import files

for file, source in files(app).items():
    file.write_text(source, encoding="ascii")
