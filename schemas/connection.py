"""Connections to Kafka, ClickHouse and other services: typed, with secrets that are never displayed."""

from urllib.parse import urlsplit

from msgspec import Struct


class Secret:
    """A string that repr, str and logs never show; `reveal()` returns it."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else "Secret('')"


class KafkaConnection(Struct, frozen=True):
    """A Kafka cluster: `bootstrap` is host:port, several separated by commas."""

    bootstrap: str
    security: str = "PLAINTEXT"
    mechanism: str = "PLAIN"
    user: str = ""
    password: Secret = Secret()  # immutable
    ca_file: str = ""

    @property
    def named_by(self) -> str:
        """The variables to check when no broker answers; a broker that rejects a password does not answer either."""
        names = ["DOSSIER_KAFKA"]
        if self.security.startswith("SASL"):
            names += ["DOSSIER_KAFKA_USER", "DOSSIER_KAFKA_PASSWORD"]
        if self.security.endswith("SSL"):
            names.append("DOSSIER_KAFKA_CA")
        return ", ".join(names)

    def options(self) -> dict[str, object]:
        """The arguments for every kafka-python client."""
        options: dict[str, object] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.security,
        }
        if self.security.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password.reveal(),
            }
        if self.security.endswith("SSL") and self.ca_file:
            options["ssl_cafile"] = self.ca_file
        return options


class ClickHouseConnection(Struct, frozen=True):
    """A ClickHouse server's native protocol, and the database of this deployment on it."""

    host: str
    port: int
    user: str = "default"
    password: Secret = Secret()  # immutable
    database: str = "dossiers"
    secure: bool = False
    ca_file: str = ""

    @property
    def address(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"


class GrafanaConnection(Struct, frozen=True):
    """A Grafana and its API token; `reader` is the connection from that Grafana to ClickHouse.

    The host of `reader` is empty where none is known.
    """

    url: str
    token: Secret
    reader: ClickHouseConnection


class Webhook(Struct, frozen=True):
    """Where alerts go, and the secret that signs them."""

    url: str
    secret: Secret

    @property
    def host(self) -> str:
        """The part of the address that may be shown: a path or query often holds a token."""
        return urlsplit(self.url).hostname or ""
