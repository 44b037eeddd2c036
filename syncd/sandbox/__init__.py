"""A Graph API over real HTTP on loopback; it imports nothing else of syncd.

`wire` turns a request into a call, `graph` decides about it by token, budget and faults, and a
function in `edges` does its work on the `state`. `server` runs them all.
"""
