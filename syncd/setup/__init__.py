"""The setup of a machine: the units for systemd, the configuration and the token."""
