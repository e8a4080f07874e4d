"""Keep the catalogues in step with the texts that the code marks.

`messages.py` adds new texts to every catalogue and drops those that nobody uses any more.
`messages.py --check` changes nothing and fails when a catalogue is behind, a text has no
translation, is marked fuzzy, or has other placeholders than its original.

A text in the source is its own message id, in English. Symbolic ids (`say.silent_since`) stand
for what the code names by a key; no source line holds them, so they are kept as they are.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
DOMAIN: Final = "ongi"
LOCALES: Final = ("ko", "en")
SOURCE_LOCALE: Final = "en"
FOLDERS: Final = (
    *("rules", "protocol", "texts", "edge", "drivers", "central", "sim"),
    "benchmarks/detection",
)
FILES: Final = ("ongi.py",)
METHODS: Final = [("**.py", "python"), ("**.html", "jinja2")]
KEYWORDS: Final = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "text": None,
    "phrase": None,
    "say": None,
    "plural": (1, 2),
}
HEADER: Final = """\
msgid ""
msgstr ""
"Language: {locale}\\n"
"Plural-Forms: {plural_forms}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
FIELD: Final = re.compile(r"\{([a-z0-9_]+)\}")
SYMBOLIC: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


def main(arguments: list[str]) -> int:
    """Bring the catalogues up to date, or with `--check` say where they are not."""
    if arguments not in ([], ["--check"]):
        print("usage: messages.py [--check]", file=sys.stderr)
        return 2
    paths = {locale: catalogue_path(locale) for locale in LOCALES}
    if arguments:
        if not any(path.exists() for path in paths.values()):
            print("There are no catalogues yet.")
            return 0
        defects = [defect for locale in LOCALES for defect in check(locale, paths[locale])]
        print("\n".join(defects) or f"Catalogues complete: {', '.join(LOCALES)}.")
        return 1 if defects else 0
    for locale, path in paths.items():
        bring_up_to_date(locale, path)
    return 0


def catalogue_path(locale: str) -> Path:
    return ROOT / "texts" / "locale" / locale / "LC_MESSAGES" / f"{DOMAIN}.po"


def extracted() -> Catalog:
    """Every marked text of the source, with the files that use it."""
    template = Catalog(domain=DOMAIN, project="Ongi", charset="utf-8", fuzzy=False)
    for folder in FOLDERS:
        for name, _line, message, comments, context in extract_from_dir(
            ROOT / folder, METHODS, keywords=KEYWORDS, comment_tags=("Translators:",)
        ):
            template.add(
                message,
                locations=[(f"{folder}/{name}", 0)],
                auto_comments=comments,
                context=context,
            )
        for path in sorted((ROOT / folder).rglob("*.py")):
            for message in inside_f_strings(path):
                template.add(message, locations=[(str(path.relative_to(ROOT)), 0)])
    for name in FILES:
        for _line, message, comments, context in extract_from_file(
            "python", ROOT / name, keywords=KEYWORDS, comment_tags=("Translators:",)
        ):
            template.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    return template


def inside_f_strings(path: Path) -> Iterator[str | tuple[str, str]]:
    """Texts marked within f-strings: Babel sees them from Python 3.12 on only (PEP 701)."""
    for string_ in ast.walk(ast.parse(path.read_bytes())):
        if not isinstance(string_, ast.JoinedStr):
            continue
        for call in ast.walk(string_):
            match call:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if (
                    name in KEYWORDS
                ):
                    wanted = call.args[: len(KEYWORDS[name] or (1,))]
                    texts = [
                        each.value
                        for each in wanted
                        if isinstance(each, ast.Constant) and isinstance(each.value, str)
                    ]
                    if texts and len(texts) == len(wanted):
                        yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def read(locale: str, path: Path) -> Catalog:
    if not path.exists():
        return Catalog(locale=locale, domain=DOMAIN, project="Ongi", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale, domain=DOMAIN)


def bring_up_to_date(locale: str, path: Path) -> None:
    catalogue = read(locale, path)
    before = set(texts_of(catalogue))
    template = extracted()
    for message in catalogue:
        if is_symbolic(message):
            template.add(message.id, flags=message.flags, auto_comments=message.auto_comments)
    catalogue.update(template, no_fuzzy_matching=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        # Only what gettext needs: dates and names in a header make every merge a conflict.
        file.write(HEADER.format(locale=locale, plural_forms=catalogue.plural_forms).encode())
        write_po(
            file,
            catalogue,
            width=99,
            omit_header=True,
            ignore_obsolete=True,
            include_lineno=False,
        )
    after = set(texts_of(catalogue))
    print(f"{locale}: {len(after)} texts, {len(after - before)} new, {len(before - after)} gone.")


def check(locale: str, path: Path) -> Iterator[str]:
    """Yield a sentence for each defect of one catalogue."""
    catalogue = read(locale, path)
    where = path.relative_to(ROOT)
    wanted, present = set(texts_of(extracted())), set(texts_of(catalogue))
    for text in sorted(wanted - present):
        yield f"{where}: {text!r} is missing; run `make messages` and translate it."
    for message in catalogue:
        if not message.id:
            continue
        text = text_of(message)
        if text not in wanted and not is_symbolic(message):
            yield f"{where}: {text!r} is used nowhere; run `make messages`."
        if message.fuzzy:
            yield f"{where}: {text!r} is marked fuzzy."
        if not is_translated(message) and (locale != SOURCE_LOCALE or is_symbolic(message)):
            yield f"{where}: {text!r} has no translation."
        for translation in translations_of(message):
            if not is_symbolic(message) and fields(translation) != fields(plural_of(message)):
                yield f"{where}: {text!r} has other placeholders than {translation!r}."


def texts_of(catalogue: Catalog) -> Iterator[str]:
    return (text_of(message) for message in catalogue if message.id)


def text_of(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def plural_of(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[-1]


def translations_of(message: Message) -> list[str]:
    """Every translated form that is filled in."""
    forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return [form for form in forms if form]


def fields(text: str) -> set[str]:
    return set(FIELD.findall(text))


def is_symbolic(message: Message) -> bool:
    return SYMBOLIC.fullmatch(text_of(message)) is not None


def is_translated(message: Message) -> bool:
    forms = 1 if isinstance(message.string, str) else len(message.string or ())
    return len(translations_of(message)) == forms > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
