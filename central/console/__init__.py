"""The operators' console: the center's cases in a browser, live.

Pages are rendered here and work without scripts; with them, one stream of events keeps every page
up to date. `console` makes the application that `central.app` serves.
"""

from central.console.app import Console, console

__all__ = ["Console", "console"]
