"""`syncd check`: tests whether everything that syncd needs is in place, as the service sees it."""
