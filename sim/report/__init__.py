"""One self-contained HTML page of a simulated run, in Korean and in English.

Every picture is SVG that a template of ours draws from places reckoned here. A plotting library
was measured instead (Matplotlib 3.11): the days of one home alone became 6 MB of SVG, its colors
fixed at drawing time, where the page must be light, dark and on paper; and it measures Korean
words by a font that lacks them.
"""

from sim.report.page import WORST, Told, write

__all__ = ["WORST", "Told", "write"]
