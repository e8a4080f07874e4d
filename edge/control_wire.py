"""What `ongi` and the installer's app ask of the running gateway, and its answers, as packets.

One message is one SEQPACKET packet of CBOR. A request is `[version, number, name, arguments]`,
its answer `[version, number, "ok" | "refused" | "error", body]`; after `watch` and `scan` there
follow any number of `[version, number, "news", body]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import cbor2

from edge.happening import Delivered, Happening
from edge.status import Status
from rules.air import Sighting
from rules.codec import parse, plain
from rules.device import Device
from rules.errors import FrameError, Phrase
from rules.events import Event
from rules.inputs import Away, Drill, Identify, Shelve
from rules.observation import DeviceId
from rules.wire import KeyedDevice

VERSION: Final = 1
MAX_BYTES: Final = 200_000
"The status of 200 devices is about 100,000; a socket's buffer holds one packet of this."


@dataclass(frozen=True, slots=True)
class GetStatus:
    """How is everything? Answered by `Status`."""


@dataclass(frozen=True, slots=True)
class ListDevices:
    """What stands in the registry? Answered by `Listed`."""


@dataclass(frozen=True, slots=True)
class RemoveDevice:
    """Take a device out of the registry. Answered by `Done`."""

    id: DeviceId


@dataclass(frozen=True, slots=True)
class Watch:
    """Tell what happens from now on. Answered by `Done`, then by news."""

    observations: bool = False
    "Also each mere observation."


@dataclass(frozen=True, slots=True)
class Scan:
    """Tell who is heard by the radios. Answered by `Done`, then by sightings.

    It ends when it is not sent again on the same connection, without an answer, every
    `edge.surveys.LASTS`.
    """


Request = (
    GetStatus
    | ListDevices
    | KeyedDevice
    | RemoveDevice
    | Away
    | Shelve
    | Drill
    | Identify
    | Watch
    | Scan
)
"`KeyedDevice` is entered into the registry; the others are as named."


@dataclass(frozen=True, slots=True)
class Listed:
    """The registry's devices, without their keys."""

    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """What the gateway decided upon the request; it is journaled."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """It is done."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not done, and why."""

    why: str
    where: str = ""
    "File and key, if these are to blame."
    right: str = ""
    "What would be right."
    why_phrase: Phrase | None = None
    "What `why` was made of, for other languages than English."
    right_phrase: Phrase | None = None

    def phrases(self) -> tuple[str, str]:
        """Why and what would be right, as phrases where the gateway told what they are made of."""
        return self.why_phrase or self.why, self.right_phrase or self.right


def refused(why: str, where: str = "", right: str = "") -> Refused:
    """The refusal in English and, where it is made of phrases, what for other languages."""
    return Refused(str(why), where, str(right), _phrase(why), _phrase(right))


def _phrase(words: str) -> Phrase | None:
    return words if isinstance(words, Phrase) else None


Answer = Status | Listed | Decided | Done | Refused
News = Happening | Status | Sighting


class Kind(StrEnum):
    """What a packet of the gateway is."""

    OK = "ok"
    REFUSED = "refused"
    ERROR = "error"
    "The request was none."
    NEWS = "news"


_REQUESTS: Mapping[str, type[Request]] = MappingProxyType(
    {
        "status": GetStatus,
        "devices.list": ListDevices,
        "devices.add": KeyedDevice,
        "devices.remove": RemoveDevice,
        "away": Away,
        "shelve": Shelve,
        "drill": Drill,
        "identify": Identify,
        "watch": Watch,
        "scan": Scan,
    }
)
_NAMES = MappingProxyType({request: name for name, request in _REQUESTS.items()})
_ANSWERS: Mapping[type[Request], type[Answer]] = MappingProxyType(
    {
        GetStatus: Status,
        ListDevices: Listed,
        KeyedDevice: Done,
        RemoveDevice: Done,
        Away: Decided,
        Shelve: Decided,
        Drill: Decided,
        Identify: Decided,
        Watch: Done,
        Scan: Done,
    }
)


def encode_request(number: int, request: Request) -> bytes:
    """A request; `number` comes back with the answer."""
    return cbor2.dumps([VERSION, number, _NAMES[type(request)], plain(request)])


def decode_request(packet: bytes) -> tuple[int, Request]:
    """Number and request.

    Raises:
        FrameError: no request of this protocol.

    """
    match _loads(packet):
        case [1, int(number), str(name), body] if name in _REQUESTS:
            return number, parse(body, _REQUESTS[name])
        case [1, int(), str(name), _]:
            raise FrameError(f"there is no request {name!r:.40}")
    raise FrameError(f"no request of version {VERSION}")


def encode_answer(number: int, answer: Answer) -> bytes:
    """The answer to the request of that number."""
    kind = Kind.REFUSED if isinstance(answer, Refused) else Kind.OK
    return cbor2.dumps([VERSION, number, kind.value, plain(answer)])


def encode_error(error: FrameError) -> bytes:
    """The answer to what is no request."""
    return cbor2.dumps([VERSION, 0, Kind.ERROR.value, plain(Refused(str(error)))])


def encode_news(number: int, news: News) -> bytes:
    """What happened, to the watcher that asked with that number."""
    if isinstance(news, Status | Delivered | Sighting):
        body = {"is": type(news).__name__, **plain(news)}
    else:
        body = plain(news, Event)
    return cbor2.dumps([VERSION, number, Kind.NEWS.value, body])


def decode_answer(packet: bytes, number: int, request: Request) -> Answer:
    """The answer to `request`.

    Raises:
        FrameError: none, another's, or one that says that the request was none.

    """
    match _loads(packet):
        case [1, int(answered), Kind.OK.value, body] if answered == number:
            return parse(body, _ANSWERS[type(request)])
        case [1, int(answered), Kind.REFUSED.value, body] if answered == number:
            return parse(body, Refused)
        case [1, 0, Kind.ERROR.value, body]:
            raise FrameError(f"the gateway says: {parse(body, Refused).why}")
    raise FrameError("no answer of this protocol")


def decode_news(packet: bytes) -> News:
    """One piece of news.

    Raises:
        FrameError: none of this protocol.

    """
    match _loads(packet):
        case [1, int(), Kind.NEWS.value, dict(body)]:
            values = {name: body[name] for name in body if name != "is"}
            if body.get("is") == Status.__name__:
                return parse(values, Status)
            if body.get("is") == Delivered.__name__:
                return parse(values, Delivered)
            if body.get("is") == Sighting.__name__:
                return parse(values, Sighting)
            return parse(body, Event)  # type: ignore[arg-type]  # a union is no type
    raise FrameError("no news of this protocol")


def _loads(packet: bytes) -> object:
    if len(packet) > MAX_BYTES:
        raise FrameError(f"a packet of more than {MAX_BYTES} bytes")
    try:
        return cbor2.loads(packet)
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError, TypeError) as error:
        raise FrameError(f"no CBOR: {error!r:.80}") from error
