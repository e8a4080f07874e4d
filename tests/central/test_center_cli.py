import asyncio
import io
import re
import stat
from pathlib import Path

import pytest

from central.accounts import Accounts
from central.app import DATABASE, only_one
from central.cli import main
from central.people import Role
from protocol.identity import GatewayIdentity
from tests.central.receiving import opened


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")


class Command:
    """`ongi center` with a folder of its own; `out` and `err` are of the last call."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data = data
        self.out = self.err = ""
        self._capsys = capsys

    def __call__(self, *words: str) -> int:
        try:
            status = main(["center", *words, "--data", str(self.data)])
        except SystemExit as end:
            status = int(end.code or 0)
        self.out, self.err = self._capsys.readouterr()
        return status

    async def can_log_in(self, name: str, password: str) -> Role | None:
        async with opened(self.data) as store:
            user = await Accounts(store).verify(name, password)
        return user.role if user else None


@pytest.fixture
def center(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path / "data", capsys)


def password_in(out: str) -> str:
    return out.rsplit(maxsplit=1)[-1]


def in_loop(center: Command, name: str, password: str) -> Role | None:
    return asyncio.run(center.can_log_in(name, password))


def test_the_first_user_is_an_administrator_with_a_printed_password(center: Command) -> None:
    assert center("user", "add", "kim") == 0
    assert in_loop(center, "kim", password_in(center.out)) is Role.ADMIN
    assert in_loop(center, "kim", "wrong password") is None
    assert in_loop(center, "nobody", "wrong password") is None
    assert center("user", "add", "lee") == 0
    assert in_loop(center, "lee", password_in(center.out)) is Role.OPERATOR


def test_a_password_is_taken_from_standard_input(
    center: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("열 글자가 넘는 비밀번호\n"))
    assert center("user", "add", "kim", "--stdin", "--role", "technician") == 0
    assert "비밀번호" not in center.out
    assert in_loop(center, "kim", "열 글자가 넘는 비밀번호") is Role.TECHNICIAN


def test_a_new_password_replaces_the_old_one(center: Command) -> None:
    center("user", "add", "kim")
    old = password_in(center.out)
    assert center("user", "password", "kim") == 0
    assert in_loop(center, "kim", password_in(center.out)) is Role.ADMIN
    assert in_loop(center, "kim", old) is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("user", "add", "kim"), "there is a user kim already"),
        (("user", "password", "lee"), "there is no user lee"),
        (("user", "add", " lee"), "a user's name"),
        (("user", "add", "x" * 41), "a user's name"),
        (("gateway", "home", "home-9", "--name", "x"), "no such gateway"),
        (("gateway", "enrol", "Home", "--out", "x/y"), "lower-case"),
        (("backup", "/no/such/folder/file"), "/no/such/folder"),
        (("restore", "/no/such/file"), "ongi center backup"),
        (("serve", "--interval", "0"), "from 1 to 3600"),
        (("serve", "--coap-port", "70000"), "65535"),
        (("serve", "--web-port", "0", "--coap-host", "nowhere"), "no IP address"),
        (("serve", "--web-host", "192.0.2.1"), "192.0.2.1"),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], says: str, center: Command) -> None:
    center("user", "add", "kim")
    assert center(*words) in {1, 2}
    assert says in center.err
    assert "Traceback" not in center.err


@pytest.mark.parametrize(
    "words", [("user", "list"), ("gateway", "list"), ("user", "password", "kim")]
)
def test_where_there_is_no_center_none_is_made(words: tuple[str, ...], center: Command) -> None:
    assert center(*words) == 1
    assert not center.data.exists()


def test_enrolment_writes_the_gateways_part_for_it_alone(center: Command, tmp_path: Path) -> None:
    out = tmp_path / "gateway" / "keys" / "uplink.toml"
    words = ("gateway", "enrol", "seongdong-0042", "--name", "햇살빌라 204호", "--out", str(out))
    assert center(*words) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    identity = GatewayIdentity.load(out)
    assert identity.gateway == "seongdong-0042"
    assert identity.master_secret.hex() not in center.out
    assert center("gateway", "list") == 0
    assert "seongdong-0042  햇살빌라 204호" in center.out
    assert "never heard" in center.out


def test_enrolled_twice_it_keeps_its_keys_unless_told_otherwise(
    center: Command, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    words = ("gateway", "enrol", "home-1", "--out")
    assert center(*words, str(first), "--address", "서울", "--phone", "02-1") == 0
    assert center(*words, str(second)) == 1
    assert "--replace-keys" in center.err
    assert not second.exists()
    assert center(*words, str(second), "--replace-keys", "--phone", "02-2") == 0
    assert GatewayIdentity.load(second).master_secret != GatewayIdentity.load(first).master_secret
    center("gateway", "list")
    assert "서울" in center.out


def test_no_file_of_keys_is_overwritten(center: Command, tmp_path: Path) -> None:
    out = tmp_path / "uplink.toml"
    out.write_text("precious")
    assert center("gateway", "enrol", "home-1", "--out", str(out)) == 1
    assert out.read_text() == "precious"
    assert center.err == (
        f"ongi center: {out}\n"
        "  found: a file that is there already\n"
        "  right: name a file that is not there yet; keys are never overwritten\n"
    )
    center("user", "add", "kim")
    center("gateway", "list")
    assert center.out == ""


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("", "found: a folder\n  right: name a file"),
        ("file/uplink.toml", "file\n  found: no folder\n  right: name a file in a folder"),
        ("file/keys/uplink.toml", "keys\n  found: no folder\n  right: name a file in a folder"),
    ],
)
def test_keys_for_no_place_to_be_are_not_made(
    out: str, says: str, center: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert center("gateway", "enrol", "home-1", "--out", str(tmp_path / out)) == 1
    assert says in center.err
    assert "Errno" not in center.err
    center("user", "add", "kim")
    center("gateway", "list")
    assert center.out == ""


def test_a_home_is_changed_word_by_word(center: Command, tmp_path: Path) -> None:
    out = str(tmp_path / "uplink.toml")
    center(
        "gateway", "enrol", "home-1", "--name", "햇살빌라 204호", "--address", "서울", "--out", out
    )
    assert center("gateway", "home", "home-1", "--address", "부산") == 0
    center("gateway", "list")
    assert "home-1  햇살빌라 204호  부산" in center.out


def test_a_copy_is_for_its_owner_and_brings_everything_back(
    center: Command, tmp_path: Path
) -> None:
    center("user", "add", "kim")
    password = password_in(center.out)
    copy = tmp_path / "copy.sqlite"
    assert center("backup", str(copy)) == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    center("user", "password", "kim")
    assert center("restore", str(copy)) == 0
    assert "before-restore-1" in center.out
    assert in_loop(center, "kim", password) is Role.ADMIN
    assert (center.data / f"{DATABASE}.before-restore-1").exists()


def test_nothing_is_restored_under_a_running_center(center: Command, tmp_path: Path) -> None:
    center("user", "add", "kim")
    copy = tmp_path / "copy.sqlite"
    center("backup", str(copy))
    with only_one(center.data):
        assert center("restore", str(copy)) == 1
    assert "a center that runs on it" in center.err


def test_help_speaks_the_readers_language(
    center: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("user", "add", "kim", "--role", "boss")
    center(*words)
    assert "usage: ongi center user add" in center.err
    assert "--role: found 'boss'; choose from operator, technician, admin" in center.err
    assert center(*words, "--language", "ko") == 2
    assert "사용법: ongi center user add" in center.err
    assert re.search("--role: .*'boss'.*: operator, technician, admin", center.err)
    assert center("backup", "/no/such/folder/file", "--language", "ko") == 1
    assert "관제센터의 자료 폴더(--data)" in center.err
    for locale in ("ko_KR.UTF-8", "C.UTF-8"):
        monkeypatch.setenv("LC_ALL", locale)
        assert center("user", "list") == 1
        assert "지금: 없음" in center.err
        assert center("user", "list", "--language", "en") == 1
        assert "found: nothing" in center.err
