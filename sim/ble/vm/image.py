"""What the virtual machine starts with: a few modules of its kernel, and a script.

Everything else it finds on this machine's own disk, which it may only read; what it writes is in
its memory. Ref: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

import lzma
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rules.errors import ConfigError, phrase

MODULES: Final = (
    # First, for the keys of Bluetooth are made of its numbers.
    "ansi_cprng",
    *("virtio_pci", "virtio_rng", "9pnet_virtio", "9p", "overlay"),
    *("cmac", "ecb", "algif_hash", "algif_skcipher"),
    *("bluetooth", "hci_vhci"),
)
HOST: Final = "host"
"The share of this machine's disk."

_DEPENDS: Final = re.compile(rb"(?:^|\0)depends=([^\0]*)\0")
_ROOM: Final = 4
"What an archive's parts are aligned to."
_FOLDER, _PROGRAM, _FILE = 0o040755, 0o100755, 0o100644
_END: Final = "TRAILER!!!"

_INIT: Final = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module" || echo "not loaded: $module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 {host} /lower
mount -t tmpfs tmp /upper
mkdir /upper/new /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/new,workdir=/upper/work none /all
for folder in proc sys dev; do mount --bind "/$folder" "/all/$folder"; done
for folder in run tmp; do mount -t tmpfs "$folder" "/all/$folder"; done
ip link set lo up
chroot /all /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 \\
  PYTHONPATH={project} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 {command}
echo "{mark}$?"
poweroff -f
"""
ENDED: Final = "ONGI-ENDED "
"Before the exit status, on the console."


def modules(folder: Path, wanted: Iterable[str] = MODULES) -> list[tuple[str, bytes]]:
    """Kernel modules by name, each behind those that it depends on.

    What the kernel has built in is no file, and is left out.

    Raises:
        ConfigError: the folder holds none at all.

    """
    files = {_plain(path.name): path for path in sorted(folder.rglob("*.ko*"))}
    if not files:
        found = phrase("no kernel modules")
        raise ConfigError(str(folder), found, phrase("remove the folder and start again"))
    loaded: dict[str, bytes] = {}

    def load(name: str) -> None:
        path = files.get(name)
        if path is None or name in loaded:
            return
        data = path.read_bytes()
        data = lzma.decompress(data) if path.suffix == ".xz" else data
        for other in depends(data):
            load(other)
        loaded[name] = data

    for name in wanted:
        load(_plain(name))
    return list(loaded.items())


def depends(module: bytes) -> list[str]:
    """The modules that one needs, as it says itself."""
    said = _DEPENDS.search(module)
    names = said[1].decode(errors="replace").split(",") if said else []
    return [_plain(name) for name in names if name]


def initial(
    busybox: bytes, loaded: Sequence[tuple[str, bytes]], project: Path, command: Sequence[str]
) -> bytes:
    """The archive that the kernel unpacks and starts."""
    script = _INIT.format(
        host=HOST, project=shlex.quote(str(project)), command=shlex.join(command), mark=ENDED
    )
    folders = ("bin", "proc", "sys", "dev", "lower", "upper", "all", "modules")
    files: dict[str, tuple[int, bytes]] = dict.fromkeys(folders, (_FOLDER, b""))
    files["bin/busybox"] = _PROGRAM, busybox
    files["init"] = _PROGRAM, script.encode()
    for number, (name, data) in enumerate(loaded):
        files[f"modules/{number:02}-{name}"] = _FILE, data
    return archive(files)


def archive(files: Mapping[str, tuple[int, bytes]]) -> bytes:
    """A cpio archive of the newc format: name to mode and contents."""
    written = bytearray()
    for number, (name, (mode, data)) in enumerate([*files.items(), (_END, (0, b""))], start=1):
        path = name.encode() + b"\0"
        # inode, mode, owner, group, links, time, size, four devices, name's size, checksum.
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        written += b"070701" + b"".join(b"%08X" % one for one in fields) + path
        written += b"\0" * (-len(written) % _ROOM) + data
        written += b"\0" * (-len(written) % _ROOM)
    return bytes(written)


def _plain(name: str) -> str:
    return name.split(".", maxsplit=1)[0].replace("-", "_")
