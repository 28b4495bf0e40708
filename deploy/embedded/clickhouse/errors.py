"""Errors that the embedded server sends to its clients, with ClickHouse's own codes and names."""

from deploy.errors import DeployError

NO_SUCH_COLUMN = (16, "NO_SUCH_COLUMN_IN_TABLE")
LIMIT_EXCEEDED = (33, "CANNOT_READ_ALL_DATA")
CHECKSUM_DIFFERS = (40, "CHECKSUM_DOESNT_MATCH")
NOT_TEXT = (36, "BAD_ARGUMENTS")
UNKNOWN_IDENTIFIER = 47
NOT_SUPPORTED = (48, "NOT_IMPLEMENTED")
SYNTAX = (62, "SYNTAX_ERROR")
UNKNOWN_METHOD = (89, "UNKNOWN_COMPRESSION_METHOD")
UNEXPECTED_PACKET = (101, "UNEXPECTED_PACKET_FROM_CLIENT")
UNKNOWN_SETTING = (115, "UNKNOWN_SETTING")
READ_ONLY = (164, "READONLY")
TOO_MANY_QUERIES = (202, "TOO_MANY_SIMULTANEOUS_QUERIES")
CANCELLED = (394, "QUERY_WAS_CANCELLED")
TOO_MUCH = (396, "TOO_MANY_ROWS_OR_BYTES")
ACCESS_DENIED = (497, "ACCESS_DENIED")
LOGIN = (516, "AUTHENTICATION_FAILED")


class ServerError(DeployError):
    """A query was refused or failed: the client gets an exception packet, and the connection stays open."""

    def __init__(self, kind: tuple[int, str], text: str) -> None:
        self.code, self.name = kind
        super().__init__(text)


class ProtocolError(ServerError):
    """A client violated the protocol: it gets an exception packet, and the connection is closed."""
