"""Errors of Systems Manager that a caller sees; LocalEmu writes them as AWS does."""

from localemu.aws.api.ssm import (
    DuplicateInstanceId,
    InvalidCommandId,
    InvalidDocument,
    InvalidDocumentVersion,
    InvalidInstanceId,
    InvalidParameters,
    InvalidPluginName,
    InvocationDoesNotExist,
)

__all__ = [
    "DuplicateInstanceId",
    "InvalidCommandId",
    "InvalidDocument",
    "InvalidDocumentVersion",
    "InvalidInstanceId",
    "InvalidParameters",
    "InvalidPluginName",
    "InvocationDoesNotExist",
]
