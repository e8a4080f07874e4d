"""Debian's packages for the virtual machine, unpacked in a folder of their own.

Nothing is installed and nobody need be root: apt-get is given lists and a state of its own, from
the same place that this machine's packages come from. Ref: apt.conf(5), apt-get(8).
"""

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rules.errors import ConfigError, Phrase, phrase
from sim.ble.vm.shell import said_by

_KERNEL: Final = "linux-image-amd64"
_GUEST: Final = ("bluez", "busybox-static")
_QEMU: Final = "qemu-system-x86"
_LIBRARIES: Final = "usr/lib/x86_64-linux-gnu"
_LOADER: Final = "lib64/ld-linux-x86-64.so.2"
_KEYS: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_WHOLE: Final = ".whole"
"Stands in a folder that was unpacked to its end."
_IMAGE: Final = re.compile(r"^ +Depends: (linux-image-[0-9]\S*)", re.MULTILINE)
_INSTALLED: Final = re.compile(r"^Inst (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where everything lies that a virtual machine is made of."""

    qemu: tuple[str, ...]
    "The program and the options by which it finds its own files."
    environment: dict[str, str]
    kernel: Path
    modules: Path
    busybox: Path
    bluetoothd: tuple[str, ...]
    "With the libraries of its own release."
    release: str


def cache() -> Path:
    """The folder of all downloads; whoever removes it loses nothing but time."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ongi" / "vm"


async def machine(suite: str | None, tell: Callable[[Phrase], None]) -> Machine:
    """Find or fetch what is needed; of the release `suite`, else of this machine's own.

    Raises:
        ConfigError: this is no Debian for PCs, or apt-get cannot get it.

    """
    if shutil.which("apt-get") is None or platform.machine() != "x86_64":
        found = phrase("{system} on {machine}", system="Linux", machine=platform.machine())
        right = phrase("it needs apt-get, and a processor that is x86_64")
        raise ConfigError("sim.ble.vm", found, right)
    own = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    suite = suite or own
    guest = await _unpacked(suite, "guest", [*_GUEST, _KERNEL], tell)
    kernel = next(iter(sorted(guest.glob("boot/vmlinuz-*"))), None)
    if kernel is None:
        raise _incomplete(guest)
    program = shutil.which("qemu-system-x86_64")
    if program is not None:
        qemu: tuple[str, ...] = (program,)
        environment: dict[str, str] = {}
    else:
        root = await _unpacked(own, "qemu", [_QEMU], tell)
        firmware = [root / "usr/share" / name for name in ("qemu", "seabios")]
        options = [word for folder in firmware for word in ("-L", str(folder))]
        qemu = (*_started(root, "usr/bin/qemu-system-x86_64"), *options)
        environment = {"QEMU_MODULE_DIR": str(root / _LIBRARIES / "qemu")}
    folders = (guest / "usr/lib/modules", guest / "lib/modules")
    return Machine(
        qemu,
        environment,
        kernel,
        next((folder for folder in folders if folder.is_dir()), folders[0]),
        next((path for path in _places(guest, "bin/busybox") if path.is_file()), guest),
        _started(guest, "usr/libexec/bluetooth/bluetoothd"),
        suite,
    )


def _started(root: Path, program: str) -> tuple[str, ...]:
    """A program with the loader and the libraries beside it, whatever this machine has."""
    loader = next((path for path in _places(root, _LOADER) if path.exists()), None)
    if loader is None or not (root / program).is_file():
        raise _incomplete(root)
    libraries = [root / _LIBRARIES, root / "lib/x86_64-linux-gnu", *root.glob(f"{_LIBRARIES}/*/")]
    path = ":".join(str(folder) for folder in libraries if folder.is_dir())
    return str(loader), "--library-path", path, str(root / program)


def _places(root: Path, path: str) -> tuple[Path, Path]:
    """Where a file of an old layout may lie."""
    return root / path, root / "usr" / path


async def _unpacked(
    suite: str, name: str, wanted: Iterable[str], tell: Callable[[Phrase], None]
) -> Path:
    """A folder with these packages, and all that they depend on."""
    root = cache() / suite / name
    if (root / _WHOLE).exists():
        return root
    tell(phrase("Fetching Debian's packages ({suite}: {names}) ...", suite=suite, names=name))
    apt = await _Apt.of(suite, cache() / suite / "apt")
    packages = await apt.closure(wanted)
    shutil.rmtree(root, ignore_errors=True)
    downloads = cache() / suite / "packages"
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir(parents=True)
    root.mkdir(parents=True)
    await apt.run("apt-get", "download", *packages, folder=downloads)
    for package in sorted(downloads.glob("*.deb")):
        await said_by("dpkg-deb", "-x", str(package), str(root))
    shutil.rmtree(downloads)
    (root / _WHOLE).write_text("\n".join(packages))
    return root


class _Apt:
    """apt-get with lists of its own, of one release."""

    def __init__(self, folder: Path) -> None:
        self._options = (
            f"Dir::Etc::sourcelist={folder}/sources.list",
            "Dir::Etc::sourceparts=-",
            f"Dir::State::lists={folder}/lists",
            f"Dir::Cache={folder}/cache",
            "Dir::State::status=/dev/null",
            "APT::Sandbox::User=",
            "APT::Install-Recommends=false",
        )

    @classmethod
    async def of(cls, suite: str, folder: Path) -> "_Apt":
        """Bring the lists of a release up to date."""
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        keys = f" [signed-by={_KEYS}]" if _KEYS.exists() else ""
        line = f"deb{keys} {await _place()} {suite} main\n"
        (folder / "sources.list").write_text(line)
        apt = cls(folder)
        await apt.run("apt-get", "update")
        return apt

    async def closure(self, wanted: Iterable[str]) -> list[str]:
        """Packages with all that they depend on; of a kernel only itself."""
        packages: list[str] = []
        for name in wanted:
            if name == _KERNEL:
                packages += _IMAGE.findall(await self.run("apt-cache", "depends", name))[:1]
            else:
                packages += _INSTALLED.findall(
                    await self.run("apt-get", "install", "--simulate", name)
                )
        return sorted(set(packages))

    async def run(self, program: str, *words: str, folder: Path | None = None) -> str:
        """What apt says."""
        options = [word for option in self._options for word in ("-o", option)]
        return await said_by(program, *options, "-q", *words, folder=folder)


async def _place() -> str:
    """Where this machine's own packages come from."""
    said = await said_by(
        *("apt-get", "indextargets", "--format", "$(COMPONENT) $(ORIGIN) $(REPO_URI)"),
        "Identifier: Packages",
    )
    places = [line.split()[-1] for line in said.splitlines() if line.startswith("main Debian ")]
    if not places:
        found = phrase("no packages of Debian's")
        raise ConfigError("apt-get", found, phrase("sudo apt-get update"))
    return next((place for place in places if "security" not in place), places[0])


def _incomplete(root: Path) -> ConfigError:
    found = phrase("something is missing in it")
    return ConfigError(str(root), found, phrase("remove the folder and start again"))
