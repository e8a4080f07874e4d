"""Who a gateway is to the center: the keys that both ends hold, and the file they stand in."""

import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rules.errors import ConfigError, phrase, unreadable

CENTER_ID = b"C"
"OSCORE sender ID of every center; no gateway may have it as its kid."
KID_BYTES_MAX = 7
"AES-CCM-16-64-128 has room for an ID of 7 bytes in its nonce (RFC 8613, 3.3)."

_RIGHT_FILE = phrase("the file that `gateway enrol` wrote")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?")
_SECRET_BYTES = 16
_SALT_BYTES = 8
_SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class GatewayEntry:
    """What the center keeps of a gateway."""

    gateway: str
    kid: bytes
    master_secret: bytes = field(repr=False)
    master_salt: bytes = field(repr=False)
    public_key: bytes
    "Ed25519, 32 bytes: proves its records."

    def verifying_key(self) -> Ed25519PublicKey:
        """The key that checks this gateway's signatures."""
        return Ed25519PublicKey.from_public_bytes(self.public_key)


@dataclass(frozen=True, slots=True)
class GatewayIdentity:
    """What the gateway keeps of itself. Secrets never show in its repr."""

    gateway: str
    "Lower-case letters, digits, dots and hyphens, at most 40."
    master_secret: bytes = field(repr=False)
    "OSCORE Master Secret, 16 bytes."
    master_salt: bytes = field(repr=False)
    sender_id: bytes
    "The kid, 1 to 7 bytes, unique among the gateways of a center."
    recipient_id: bytes
    "The center's OSCORE ID."
    signing_key: bytes = field(repr=False)
    "Ed25519 private seed, 32 bytes."

    @classmethod
    def load(cls, path: Path) -> "GatewayIdentity":
        """Read `uplink.toml`.

        Raises:
            ConfigError: missing, unreadable, no TOML, an unknown or absent key, or a wrong value.

        """
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            found = phrase("bytes that are no UTF-8")
            raise ConfigError(str(path), found, _RIGHT_FILE) from error
        except OSError as error:
            found = unreadable(error)
            raise ConfigError(str(path), found, _RIGHT_FILE) from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, where: str = "uplink.toml") -> "GatewayIdentity":
        """Check the text of an `uplink.toml`; `where` is named in errors.

        Raises:
            ConfigError: as `load`.

        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = phrase("no TOML ({error})", error=error)
            right = phrase("restore it or enrol again")
            raise ConfigError(where, found, right) from error
        for key in table:
            if key not in _KEYS:
                right = phrase("known: {names}", names=", ".join(_KEYS))
                raise ConfigError(f"{where}: {key}", phrase("an unknown key"), right)
        identity = cls(
            gateway=_name(table, where),
            master_secret=_hex(table, where, "master_secret", _SECRET_BYTES, _SECRET_BYTES),
            master_salt=_hex(table, where, "master_salt", 0, 32),
            sender_id=_hex(table, where, "kid", 1, KID_BYTES_MAX),
            recipient_id=_hex(table, where, "center_id", 1, KID_BYTES_MAX),
            signing_key=_hex(table, where, "signing_key", _SEED_BYTES, _SEED_BYTES),
        )
        if identity.sender_id == identity.recipient_id:
            found = phrase("the center's ID")
            raise ConfigError(f"{where}: kid", found, phrase("an ID of the gateway's own"))
        return identity

    def dump(self) -> str:
        """The text of `uplink.toml`. It holds secrets."""
        return (
            "# Keys of this gateway: keep the file to its user (mode 0600) and out of copies.\n"
            f'gateway = "{self.gateway}"\n'
            f'kid = "{self.sender_id.hex()}"\n'
            f'center_id = "{self.recipient_id.hex()}"\n'
            f'master_secret = "{self.master_secret.hex()}"\n'
            f'master_salt = "{self.master_salt.hex()}"\n'
            f'signing_key = "{self.signing_key.hex()}"\n'
        )

    def save(self, path: Path) -> None:
        """Write a new `uplink.toml` for its user alone, durably. Never overwrites one.

        Raises:
            FileExistsError: there is one already.
            OSError: it cannot be written.

        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(self.dump())
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def entry(self) -> GatewayEntry:
        """What the center has to keep of this gateway."""
        public = self.private_key().public_key().public_bytes_raw()
        return GatewayEntry(
            self.gateway, self.sender_id, self.master_secret, self.master_salt, public
        )

    def private_key(self) -> Ed25519PrivateKey:
        """The key that signs this gateway's records."""
        return Ed25519PrivateKey.from_private_bytes(self.signing_key)


_KEYS = ("gateway", "kid", "center_id", "master_secret", "master_salt", "signing_key")


def new_identity(gateway: str, kid: bytes, random: Callable[[int], bytes]) -> GatewayIdentity:
    """Make keys for a gateway; `random(n)` gives n unpredictable bytes.

    Raises:
        ConfigError: a name or kid that does not fit.

    """
    identity = GatewayIdentity(
        gateway=gateway,
        master_secret=random(_SECRET_BYTES),
        master_salt=random(_SALT_BYTES),
        sender_id=kid,
        recipient_id=CENTER_ID,
        signing_key=random(_SEED_BYTES),
    )
    return GatewayIdentity.parse(identity.dump())


def valid_gateway(name: str) -> bool:
    """Whether `name` can be a gateway's: it stands in file names, logs and records."""
    return _NAME.fullmatch(name) is not None


def _name(table: dict[str, object], where: str) -> str:
    name = table.get("gateway")
    if not isinstance(name, str) or not valid_gateway(name):
        raise ConfigError(
            f"{where}: gateway",
            f"{name!r:.60}",
            phrase("1 to 40 lower-case letters, digits, dots and hyphens, as `seongdong-0042`"),
        )
    return name


def _hex(table: dict[str, object], where: str, key: str, least: int, most: int) -> bytes:
    # What was found is never shown: most of these are secrets.
    if least == most:
        right = phrase("{count} bytes in hex", count=least)
    else:
        right = phrase("{least} to {most} bytes in hex", least=least, most=most)
    value = table.get(key)
    if not isinstance(value, str):
        found = phrase("nothing") if value is None else phrase("no text")
        raise ConfigError(f"{where}: {key}", found, right)
    try:
        data = bytes.fromhex(value)
    except ValueError:
        raise ConfigError(f"{where}: {key}", phrase("text that is no hex"), right) from None
    if not least <= len(data) <= most:
        raise ConfigError(f"{where}: {key}", phrase("{count} bytes", count=len(data)), right)
    return data
