"""Why a frame is not believed."""

from enum import StrEnum

from rules.errors import FrameError


class Why(StrEnum):
    """Why a frame is refused."""

    MALFORMED = "malformed"
    VERSION = "version"
    PLAINTEXT = "plaintext"
    "The device has a key and this frame is not encrypted."
    NO_KEY = "no_key"
    "The frame is encrypted and no key is known for the device."
    WRONG_KEY = "wrong_key"
    "The tag does not fit: another key, or a forgery."
    WRONG_MAC = "wrong_mac"
    "The frame names another device than the radio did."
    REPLAY = "replay"
    "Its counter is older than what the device has already sent."
    FLOOD = "flood"
    "It is plain, and there are more of them than any device sends: anybody may have."
    FALSE_NODE = "false_node"
    "A command was answered, and not by the node that was asked: somebody stands in its place."
    WRONG_MODEL = "wrong_model"
    "The frame is of another product than the registry names, or can be read of known ones only."
    NEEDS_XIAOMI = "needs_xiaomi"
    "`ongi[xiaomi]`, which reads its format, is not installed."
    NEEDS_SWITCHBOT = "needs_switchbot"
    "`ongi[switchbot]`, which reads its format, is not installed."


class Refused(FrameError):  # noqa: N818 -- names what happened to the frame
    """No frame that may be believed, and why."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why
