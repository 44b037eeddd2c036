"""Keeps the image libraries of ad accounts in step with folders on disk."""
