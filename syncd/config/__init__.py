"""The configuration: TOML in, typed and checked values out, and every mistake in a sentence."""

from syncd.config.load import load
from syncd.config.problem import ConfigError, Problem
from syncd.config.secret import (
    Credential,
    Secret,
    SecretError,
    SecretFile,
    SecretSource,
    Variable,
    read_secret,
)
from syncd.config.shape import (
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
