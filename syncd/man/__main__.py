"""`python -m syncd.man`: write the man page and the README's event table."""

from syncd.man import events_table, page

page.FILE.write_text(page.man_page(), encoding="ascii")
events_table.write()
