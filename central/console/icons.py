"""One small drawing per kind of case: 24 x 24, strokes only, drawn for this console."""

from typing import Final

from markupsafe import Markup

_BATTERY: Final = "M3 8h15v8H3z M21 11v2"
_ROUTER: Final = "M3 14h18v6H3z M7 17h.01 M12 14V9"
_DISK: Final = "M4 6c0-4 16-4 16 0v12c0 4-16 4-16 0z M4 6c0 4 16 4 16 0 M4 12c0 4 16 4 16 0"

_PATHS: Final = {
    "sos": "M6 17V11a6 6 0 0 1 12 0v6 M4 20h16v-3H4z M12 2v1 M4 5l1 1 M20 5l-1 1",
    "inactivity": "M2 13h4l2-7 4 12 2-5h8",
    "leak": "M12 3s6 6.5 6 10.5a6 6 0 0 1-12 0C6 9.500 12 3 12 3z",
    "smoke": "M4 20h16 M7 16c-3-3 3-5 0-8 M12 16c-3-3 3-5 0-9 M17 16c-3-3 3-5 0-8",
    "gas": "M12 3c4 4 6 7 6 11a6 6 0 0 1-12 0c0-2 1-4 2-5 1 2 2 2 2 2 0-3 0-5 2-8z",
    "co": "M10 9a3.500 3.500 0 1 0 0 6 M14 12a3 3 0 1 0 6 0 3 3 0 1 0-6 0 M3 4h18 M3 20h18",
    "heat": "M10 14V5a2 2 0 0 1 4 0v9a4 4 0 1 1-4 0z M18 9V4 M16 6l2-2 2 2",
    "cold": "M10 14V5a2 2 0 0 1 4 0v9a4 4 0 1 1-4 0z M18 4v5 M16 7l2 2 2-2",
    "no_morning": "M3 19h18 M6 19a6 6 0 0 1 12 0 M12 9V6 M5 12l-2-2 M19 12l2-2 M3 3l18 18",
    "wandering": "M3 21h13 M5 21V5h9v16 M11 13h.01 M21 3a4 4 0 1 0 1 6 3 3 0 0 1-1-6z",
    "left_on": "M12 3v9 M7 6.500a8 8 0 1 0 10 0",
    "not_eating": "M3 12h18a9 8 0 0 1-18 0z M8 8V5 M12 8V4 M16 8V5 M4 3l17 18",
    "decline": "M3 5l6 6 4-4 8 10 M21 12v5h-5",
    "device": "M9 3v5 M15 3v5 M6 8h12v4a6 6 0 0 1-12 0z M12 18v3",
    "home_blind": "M3 11l9-8 9 8 M5 10v10h14V10 M9 12l6 5 M15 12l-6 5",
    "mains_outage": "M13 2L6 13h5l-1 9 8-12h-5z",
    "battery_low": f"{_BATTERY} M6 11v2",
    "tamper": "M6 11h12v9H6z M9 11V7a3.500 3.500 0 0 1 6.800-1 M12 15v2",
    "command_failed": "M4 12h9 M10 8l4 4-4 4 M17 9l4 6 M21 9l-4 6",
    "driver_lost": "M12 13v8 M9 10a3 3 0 0 1 6 0 M6 10a6 6 0 0 1 12 0 M3 3l18 18",
    "radio_lost": "M12 13v8 M9 10a3 3 0 0 1 6 0 M6 10a6 6 0 0 1 12 0 M16 16l5 5 M21 16l-5 5",
    "frames_refused": "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z M9 10l6 5 M15 10l-6 5",
    "journal_restored": _DISK,
    "disk_failing": f"{_DISK} M3 3l18 18",
    "registry_restored": _DISK,
    "time_untrusted": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M12 7v5l3 2 M17 3l4 4",
    "gateway_silent": f"{_ROUTER} M8.500 6.500a5 5 0 0 1 7 0 M3 3l18 18",
    "gateway": f"{_ROUTER} M8.500 6.500a5 5 0 0 1 7 0",
    "drill": "M4 10v4h3l6 4V6L7 10z M17 9a4 4 0 0 1 0 6",
    "done": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M8 12l3 3 5-6",
    "waiting": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M12 7v5l3 2",
    "phone": (
        "M5 3h4l2 5-2.500 1.500a12 12 0 0 0 6 6L16 13l5 2v4a2 2 0 0 1-2 2"
        "A17 17 0 0 1 3 5a2 2 0 0 1 2-2z"
    ),
}
_UNKNOWN: Final = "M12 3l10 18H2z M12 10v5 M12 18h.01"


def icon(name: str) -> Markup:
    """The drawing of that name; it only repeats what a word beside it says."""
    path = _PATHS.get(name, _UNKNOWN)
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        '<path d="{}"/></svg>'
    ).format(path)
