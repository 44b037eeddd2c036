"""`syncd web`: pages about the image library, served by a process that only reads.

`server` is HTTP, and the only module here that knows aiohttp. `app` chooses the page for a request;
`access` decides who may see it, `proxies` who has sent it, and `rejections` logs wrong passwords.
`pages` returns HTML; `library_reads` reads the ledger, `absent` the folders and `thumbnails` the
pictures, each on threads of its `slots`. `html` is the only place where text becomes markup.
"""
