"""The configuration: from TOML to checked values, or to a report of every mistake."""

from syncd.config.errors import ConfigError, Problem
from syncd.config.load import load
from syncd.config.schema import (
    AccountConfig,
    AuditConfig,
    BatchConfig,
    Budget,
    Config,
    DeletionsConfig,
    FolderConfig,
    GraphConfig,
    LedgerConfig,
    LogConfig,
    LogFormat,
    LogLevel,
    Tier,
    WatchConfig,
)
from syncd.config.secrets import (
    Credential,
    Secret,
    SecretError,
    SecretFile,
    SecretSource,
    Variable,
    read_secret,
)

__all__ = [
    "AccountConfig",
    "AuditConfig",
    "BatchConfig",
    "Budget",
    "Config",
    "ConfigError",
    "Credential",
    "DeletionsConfig",
    "FolderConfig",
    "GraphConfig",
    "LedgerConfig",
    "LogConfig",
    "LogFormat",
    "LogLevel",
    "Problem",
    "Secret",
    "SecretError",
    "SecretFile",
    "SecretSource",
    "Tier",
    "Variable",
    "WatchConfig",
    "load",
    "read_secret",
]
