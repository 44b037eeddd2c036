"""What a service needs of its host: logs."""
