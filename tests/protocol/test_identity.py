"""The key file of a gateway: written once, for its user alone, and checked when it is read."""

import os
from pathlib import Path

import pytest

from protocol.identity import CENTER_ID, GatewayIdentity, new_identity
from rules.errors import ConfigError

IDENTITY = new_identity("seongdong-0042", b"\0\0\0\x2a", os.urandom)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "uplink.toml"
    IDENTITY.save(path)
    assert GatewayIdentity.load(path) == IDENTITY
    assert path.stat().st_mode & 0o777 == 0o600


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "uplink.toml"
    IDENTITY.save(path)
    with pytest.raises(FileExistsError):
        new_identity("other", b"\1", os.urandom).save(path)
    assert GatewayIdentity.load(path) == IDENTITY


def test_the_center_keeps_what_verifies_and_not_what_signs() -> None:
    entry = IDENTITY.entry()
    entry.verifying_key().verify(IDENTITY.private_key().sign(b"record"), b"record")
    assert IDENTITY.signing_key not in (entry.public_key, entry.master_salt, entry.master_secret)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('gateway = "Seongdong 42"', "gateway"),
        ('gateway = ""', "gateway"),
        ("gateway = 42", "gateway"),
        ('gateway = "../../etc"', "gateway"),
        ('kid = ""', "kid"),
        (f'kid = "{"00" * 8}"', "kid"),
        (f'kid = "{CENTER_ID.hex()}"', "kid"),
        ('kid = "2"', "kid"),
        ('master_secret = "00"', "master_secret"),
        ('master_secret = "no hex at all"', "master_secret"),
        ("master_secret = 5", "master_secret"),
        ('signing_key = "00"', "signing_key"),
        ('center_id = ""', "center_id"),
        ('kids = "00"', "kids"),
    ],
)
def test_a_wrong_key_is_named_with_what_would_be_right(line: str, named: str) -> None:
    key = line.partition(" ")[0]
    kept = [each for each in IDENTITY.dump().splitlines() if not each.startswith(f"{key} ")]
    with pytest.raises(ConfigError) as error:
        GatewayIdentity.parse("\n".join([*kept, line]), "keys/uplink.toml")
    assert error.value.where == f"keys/uplink.toml: {named}"
    assert error.value.right


@pytest.mark.parametrize("key", ["gateway", "kid", "center_id", "master_secret", "signing_key"])
def test_a_missing_key_is_named(key: str) -> None:
    kept = [each for each in IDENTITY.dump().splitlines() if not each.startswith(f"{key} ")]
    with pytest.raises(ConfigError, match=key):
        GatewayIdentity.parse("\n".join(kept))


def test_no_error_shows_a_secret() -> None:
    text = IDENTITY.dump().replace(IDENTITY.master_secret.hex(), "5e" * 15)
    with pytest.raises(ConfigError) as error:
        GatewayIdentity.parse(text)
    assert "5e5e" not in str(error.value)


@pytest.mark.parametrize("text", ["gateway =", "\0"])
def test_no_toml_is_said(text: str, tmp_path: Path) -> None:
    path = tmp_path / "uplink.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"uplink\.toml"):
        GatewayIdentity.load(path)


def test_no_file_and_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "uplink.toml"
    with pytest.raises(ConfigError, match="gateway enrol"):
        GatewayIdentity.load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="gateway enrol"):
        GatewayIdentity.load(path)


@pytest.mark.parametrize("kid", [b"", bytes(8), CENTER_ID])
def test_no_identity_is_made_that_could_not_be_read(kid: bytes) -> None:
    with pytest.raises(ConfigError):
        new_identity("home-1", kid, os.urandom)
