"""The configuration: TOML in, typed and checked values out, and every mistake in a sentence."""

from syncd.config.errors import ConfigError, Problem
from syncd.config.load import load
from syncd.config.schema import (
    Account,
    Audit,
    Budget,
    Config,
    DeletionTerms,
    Folder,
    Graph,
    Ledger,
    Log,
    LogFormat,
    LogLevel,
    Pack,
    Tier,
    Watch,
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
    "Account",
    "Audit",
    "Budget",
    "Config",
    "ConfigError",
    "Credential",
    "DeletionTerms",
    "Folder",
    "Graph",
    "Ledger",
    "Log",
    "LogFormat",
    "LogLevel",
    "Pack",
    "Problem",
    "Secret",
    "SecretError",
    "SecretFile",
    "SecretSource",
    "Tier",
    "Variable",
    "Watch",
    "load",
    "read_secret",
]
