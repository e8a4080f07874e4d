"""A page as a reader's browser takes it in: elements, words, and what it would fetch."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

_VOID = frozenset({"meta", "br", "link", "img", "input", "hr", "source"})
_FETCHING = frozenset({"src", "srcset", "data", "poster", "action", "background", "ping"})


@dataclass(slots=True)
class Element:
    """A start tag with all words within it."""

    tag: str
    attributes: dict[str, str]
    parts: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.parts).split())


class Page(HTMLParser):
    """A parsed page; a tag that is not closed, or closed by another, fails."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()
        assert self._open == []

    @classmethod
    def read(cls, path: Path) -> "Page":
        return cls(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"{tag}: an attribute given twice"
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.parts.append(data)

    def all(self, tag: str, look: str = "") -> list[Element]:
        return [
            one
            for one in self.elements
            if one.tag == tag and (not look or look in one.attributes.get("class", "").split())
        ]

    @property
    def words(self) -> str:
        return self.all("body")[0].words

    @property
    def fetched(self) -> list[str]:
        """Whatever would be asked for elsewhere, or run."""
        found = [one.tag for one in self.elements if one.tag in ("script", "link", "iframe")]
        for one in self.elements:
            found += [f"{name}={one.attributes[name]}" for name in _FETCHING & set(one.attributes)]
            href = one.attributes.get("href", "#")
            found += [href] if not href.startswith("#") else []
            found += [name for name in one.attributes if name.startswith("on")]
        styles = "".join(one.words for one in self.all("style"))
        found += ["@import"] if "@import" in styles else []
        found += [part[:40] for part in self.text.split("url(")[1:] if not part.startswith("#")]
        return found
