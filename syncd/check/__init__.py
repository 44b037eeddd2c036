"""`syncd check`: whether all is in place, as the service would find it."""
