"""Keep the image libraries of Meta ad accounts in sync with folders on disk."""
