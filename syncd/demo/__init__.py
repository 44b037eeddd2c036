"""`syncd demo`: the real commands at work on generated pictures and a sandbox API."""
