"""The configuration: TOML in, typed and checked values out, and every mistake in a sentence."""

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
