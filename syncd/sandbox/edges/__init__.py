"""The edges and nodes of the Graph API, one module each; none of them knows HTTP."""
