"""Vocabulary to plain CBOR values and back, strictly: what does not fit the type is refused.

Moments and spans are integers of microseconds (moments since 1970 UTC), enumerations their values,
dataclasses maps by field name, a union's member carries its class name under `is`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Any, NewType, TypeVar, Union, get_args, get_origin

import cattrs
from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.preconf.cbor2 import make_converter
from cattrs.strategies import configure_tagged_union

from rules.alarm import AlarmKey
from rules.device import Device
from rules.errors import FrameError, Phrase
from rules.events import Event
from rules.inputs import Input
from rules.observation import Phenomenon, Press, Value
from rules.sentence import Argument

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PHRASES_DEEP = 8
"Of phrases within phrases; bounded because a peer may send anything."


def moment_us(moment: datetime) -> int:
    """Microseconds from 1970 UTC to an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_at(microseconds: int) -> datetime:
    """The moment so many microseconds after 1970 UTC.

    Raises:
        FrameError: the moment lies outside the years 1 to 9999.

    """
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError as error:
        raise FrameError(f"a moment {microseconds} us from 1970") from error


def _exactly(kind: type) -> Callable[[Any, type], Any]:
    def structure(value: Any, wanted: type) -> Any:  # noqa: ANN401 -- untrusted input is of any type
        if type(value) is not kind:
            # Where bytes belong a key does, and what is there in its place may be one, too.
            found = type(value).__name__ if kind is bytes else f"{value!r:.40}"
            raise FrameError(f"{found} where a {kind.__name__} belongs")
        # cattrs asks this hook for enumerations of the kind as well: they check their members.
        return value if wanted is kind else wanted(value)

    return structure


def _number(value: Any, _: type) -> float:  # noqa: ANN401 -- untrusted input is of any type
    if type(value) is int:
        return float(value)
    if type(value) is not float:
        raise FrameError(f"{value!r:.40} where a number belongs")
    return value


def _span(value: Any, _: type) -> timedelta:  # noqa: ANN401 -- untrusted input is of any type
    if type(value) is not int:
        raise FrameError(f"{value!r:.40} where a span in microseconds belongs")
    try:
        return timedelta(microseconds=value)
    except OverflowError as error:
        raise FrameError(f"a span of {value} us") from error


def _moment(value: Any, _: type) -> datetime:  # noqa: ANN401 -- untrusted input is of any type
    if type(value) is not int:
        raise FrameError(f"{value!r:.40} where a moment in microseconds belongs")
    return moment_at(value)


def _value(value: Any, _: type) -> Value:  # noqa: ANN401 -- untrusted input is of any type
    if type(value) is str:
        return Press(value)
    if type(value) is int:
        return float(value)
    if type(value) in (bool, float):
        return value  # type: ignore[no-any-return]
    raise FrameError(f"{value!r:.40} where a value belongs")


def _key(value: Any, _: type) -> AlarmKey:  # noqa: ANN401 -- untrusted input is of any type
    if type(value) is not str:
        raise FrameError(f"{value!r:.40} where an alarm's key belongs")
    return AlarmKey.read(value)


def _argument(value: Any, _: type) -> Argument:  # noqa: ANN401 -- untrusted input is of any type
    match value:
        case str() | float():
            return value
        case int() if type(value) is int:
            return value
        case ["at", int(microseconds)]:
            return moment_at(microseconds)
        case ["for", int(microseconds)]:
            return _span(microseconds, timedelta)
        case ["what", str(phenomenon)]:
            return Phenomenon(phenomenon)
    raise FrameError(f"{value!r:.40} where a sentence's argument belongs")


def _plain_argument(argument: Argument) -> object:
    match argument:
        case Phenomenon():
            return ["what", argument.value]
        case datetime():
            return ["at", moment_us(argument)]
        case timedelta():
            return ["for", argument // _MICROSECOND]
        case _:
            return argument


def _phrase(value: Any, _: object = Phrase, deep: int = 0) -> Phrase:  # noqa: ANN401 -- untrusted input is of any type
    match value:
        case [str(template), dict(words)] if deep < _PHRASES_DEEP and all(
            type(name) is str for name in words
        ):
            return Phrase(
                template,
                {
                    name: word if type(word) is str else _phrase(word, deep=deep + 1)
                    for name, word in words.items()
                },
            )
    raise FrameError(f"{value!r:.40} where a phrase belongs")


def _plain_phrase(phrase: Phrase) -> list[object]:
    words = {
        name: _plain_phrase(word) if isinstance(word, Phrase) else word
        for name, word in phrase.words.items()
    }
    return [phrase.template, words]


def _is_frozenset(kind: object) -> bool:
    return get_origin(kind) is frozenset


def _make() -> cattrs.Converter:
    converter = make_converter(forbid_extra_keys=True, detailed_validation=False)
    for kind in (str, int, bool, bytes):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(datetime, _moment)
    converter.register_unstructure_hook(datetime, moment_us)
    converter.register_structure_hook(timedelta, _span)
    converter.register_unstructure_hook(timedelta, lambda span: span // _MICROSECOND)
    converter.register_structure_hook(Phrase, _phrase)
    converter.register_unstructure_hook(Phrase, _plain_phrase)
    converter.register_structure_hook(AlarmKey, _key)
    converter.register_unstructure_hook(AlarmKey, str)
    converter.register_structure_hook_func(lambda kind: kind == Value, _value)
    converter.register_unstructure_hook_func(lambda kind: kind == Value, lambda value: value)
    converter.register_structure_hook_func(lambda kind: kind == Argument, _argument)
    converter.register_unstructure_hook_func(lambda kind: kind == Argument, _plain_argument)
    converter.register_unstructure_hook_func(
        _is_frozenset,
        # Sorted, so that one state has one encoding under any hash seed.
        lambda members: sorted(member.value for member in members),
    )
    # Left out where there is none: drivers and snapshots of an earlier program do without.
    converter.register_unstructure_hook(
        Device,
        make_dict_unstructure_fn(Device, converter, use=override(omit_if_default=True)),
    )
    for union in (Event, Input):
        configure_tagged_union(union, converter, tag_name="is")
    return converter


_CONVERTER = _make()


def plain(value: object, kind: object = None) -> Any:  # noqa: ANN401 -- CBOR values
    """`value` as CBOR-able values. Give `kind` where the type is a union such as `Event`."""
    return _CONVERTER.unstructure(value, unstructure_as=kind)


def parse(value: object, kind: type[T]) -> T:
    """Check plain values against a vocabulary type and build it.

    Raises:
        FrameError: the values do not fit.

    """
    try:
        return _CONVERTER.structure(value, kind)
    except FrameError:
        raise
    except cattrs.ForbiddenExtraKeysError as error:
        # Its own text cannot be made where a field's name is no string.
        fields = ", ".join(sorted(map(repr, error.extra_fields)))
        raise FrameError(f"no {_name(kind)}: unknown fields {fields:.120}") from error
    except (cattrs.BaseValidationError, cattrs.StructureHandlerNotFoundError) as error:
        raise FrameError(f"no {_name(kind)}: {error}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # cattrs lets the errors of constructors and of wrong containers through as they are.
        raise FrameError(f"no {_name(kind)}: {error!r:.120}") from error


def _name(kind: object) -> str:
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_name(member) for member in get_args(kind)[:3])
    return kind.__name__ if isinstance(kind, type | NewType) else str(kind)
