"""The files a browser needs: ours, and a fixed list from `node_modules`.

They are read once, at the start, and their address holds a digest of them all: a browser may keep
them for ever, and never mixes two versions.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rules.errors import ConfigError, phrase, unreadable

OURS: Final = Path(__file__).parent / "static"
NODE_MODULES: Final = Path(__file__).resolve().parents[2] / "node_modules"
_FROM_NPM: Final = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "idiomorph.js": "idiomorph/dist/idiomorph.min.js",
    "idiomorph-htmx.js": "idiomorph/dist/idiomorph-htmx.js",
    "font/wght.css": "@fontsource-variable/noto-sans-kr/wght.css",
}
_FONTS: Final = "@fontsource-variable/noto-sans-kr/files"
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True)
class Assets:
    """What may be asked for, by name; nothing else of the disk is reachable."""

    files: dict[str, bytes]
    digest: str

    @classmethod
    def read(cls, node_modules: Path = NODE_MODULES) -> "Assets":
        """Read them all.

        Raises:
            ConfigError: one is missing. A queue that is not live would look like a quiet night.

        """
        files: dict[str, bytes] = {}
        digest = hashlib.sha256()
        for name, path in sorted(_listed(node_modules)):
            try:
                files[name] = path.read_bytes()
            except OSError as error:
                right = phrase("run `make setup`, which installs it")
                raise ConfigError(str(path), unreadable(error), right) from error
            digest.update(name.encode() + b"\0" + files[name])
        return cls(files, digest.hexdigest()[:16])

    def url(self, name: str) -> str:
        """Where a browser finds the file. Asking for one that is not listed is our own mistake."""
        assert name in self.files, name
        return f"/assets/{self.digest}/{name}"

    async def serve(self, request: Request) -> Response:
        """Answer with one file. An older digest is answered too: its page is still open."""
        name = request.path_params["name"]
        content = self.files.get(name)
        if content is None:
            raise HTTPException(404)
        current = request.path_params["digest"] == self.digest
        return Response(
            content,
            media_type=_MEDIA_TYPES[Path(name).suffix],
            headers=_FOR_EVER if current else None,
        )


def _listed(node_modules: Path) -> Iterator[tuple[str, Path]]:
    for name, place in _FROM_NPM.items():
        yield name, node_modules / place
    for path in (node_modules / _FONTS).glob("noto-sans-kr-*-wght-normal.woff2"):
        yield f"font/files/{path.name}", path
    for path in OURS.iterdir():
        if path.suffix in _MEDIA_TYPES:
            yield path.name, path
