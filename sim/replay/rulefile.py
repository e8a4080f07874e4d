"""A rulebook in a file of its own, to be tried on homes.

```toml
preset = "living-alone"   # left out: each home keeps the preset that it has

[rules.inactivity]
limits = ["8 h"]
```

`[rules]` is as in `site.toml`; a whole `site.toml` is read as well.
"""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from edge.config import Site
from rules.errors import ConfigError, meant, phrase, unreadable
from rules.rulebook import Preset, Rulebook, preset, rulebook

_KEYS = ("preset", "rules")
_SITE = "site"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """Rules as their file has them."""

    where: str
    "The file's name."
    base: Preset | None
    tables: dict[str, object]

    def book(self, home: Preset, *, pet: bool = False) -> Rulebook:
        """The rules in a home of preset `home`, which counts where the file names none.

        Args:
            home: its preset.
            pet: whether an animal lives there: that is no rule to be tried, and stays as it is
                unless the file has `[rules.evidence]`.

        Raises:
            ConfigError: on top of that preset the tables cannot be.

        """
        book = rulebook(self.base or home, self.tables, f"{self.where}: rules")
        if pet and "evidence" not in self.tables:
            book = replace(book, evidence=replace(book.evidence, pet=True))
        return book


def read(path: Path) -> RuleFile:
    """Rules of a file, checked.

    Raises:
        ConfigError: the first thing that is wrong, with file and key, or the line.

    """
    where = str(path)
    try:
        # Some editors begin a file with a mark of its encoding, which is no TOML.
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        right = phrase("name a file of rules")
        raise ConfigError(where, phrase("no such file"), right) from None
    except UnicodeDecodeError:
        found = phrase("bytes that are no UTF-8")
        raise ConfigError(where, found, phrase("save it as UTF-8")) from None
    except OSError as error:
        raise ConfigError(where, unreadable(error), phrase("a readable file")) from None
    except tomllib.TOMLDecodeError as error:
        found = phrase("no TOML ({error})", error=error)
        raise ConfigError(where, found, phrase("mend that line")) from None
    if _SITE in tables:
        site = Site.of(tables, where)
        return RuleFile(where, site.preset, _rules(tables, where))
    for key in tables:
        if key not in _KEYS:
            right = phrase("known: {names}", names=", ".join(_KEYS))
            raise ConfigError(
                f"{where}: {key}", phrase("an unknown key"), meant(key, _KEYS, right)
            )
    base = preset(tables["preset"], f"{where}: preset") if "preset" in tables else None
    found_rules = RuleFile(where, base, _rules(tables, where))
    # Without a preset of its own it may still not fit a home's: that home then says so.
    found_rules.book(Preset.LIVING_ALONE)
    return found_rules


def _rules(tables: dict[str, object], where: str) -> dict[str, object]:
    rules = tables.get("rules", {})
    if not isinstance(rules, dict):
        raise ConfigError(
            f"{where}: rules", repr(rules), phrase("write a table, [{name}]", name="rules")
        )
    return rules
