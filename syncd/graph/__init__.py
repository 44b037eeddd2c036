"""The Marketing API: its shapes and the client."""
