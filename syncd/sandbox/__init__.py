"""A Graph API over real HTTP on loopback; it imports nothing else of syncd."""
