"""A Graph API over real HTTP on loopback. It imports nothing of the rest of syncd."""
