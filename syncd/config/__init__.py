"""The configuration: from TOML to checked values, or to a report of every mistake.

A key is a field of its section's struct in `schema`, with the default, and a line in the section's
function in `sections`, with the parser and the limits. A new section is also read in `load` and
compared in `diff`. config.example.toml describes every key; a test compares it with the structs.
"""

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
    MetricsConfig,
    NotifyConfig,
    PingConfig,
    Tier,
    Topic,
    WatchConfig,
    WebConfig,
)
from syncd.config.secret_errors import NoFilesError, SecretError
from syncd.config.secrets import (
    Command,
    Credential,
    Secret,
    SecretFile,
    SecretSource,
    Variable,
    checked_secret,
    read_secret,
)

__all__ = [
    "AccountConfig",
    "AuditConfig",
    "BatchConfig",
    "Budget",
    "Command",
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
    "MetricsConfig",
    "NoFilesError",
    "NotifyConfig",
    "PingConfig",
    "Problem",
    "Secret",
    "SecretError",
    "SecretFile",
    "SecretSource",
    "Tier",
    "Topic",
    "Variable",
    "WatchConfig",
    "WebConfig",
    "checked_secret",
    "load",
    "read_secret",
]
