"""`syncd web`: pages about the image library, served by a process that only reads.

`server` is HTTP, and the only module here that knows aiohttp. `app` chooses the page for a request
and checks who may see it; `pages` returns HTML; `library_reads` reads the ledger on threads;
`thumbnails` makes small pictures. `html` is the only place where text becomes markup.
"""
