"""The loops that bring what is missing to the accounts."""
