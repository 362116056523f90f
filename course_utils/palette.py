"""Colours, line styles and axis labels: the same in every figure of the course and in the explorer."""

from __future__ import annotations

__all__ = ["ACCURACY", "CROSS_ENTROPY", "FAINT", "HUES", "INK", "MAE", "PARTS", "PIN_COLORS", "STATUS_COLORS"]

ACCURACY, CROSS_ENTROPY, MAE = "accuracy (share correct)", "cross-entropy (nats)", "MAE (quality points)"

# Okabe & Ito's colours, which colour-blind readers can tell apart.
PARTS = {
    "training": {"color": "#D55E00", "linestyle": "--"},
    "validation": {"color": "#0072B2", "linestyle": "-"},
}
HUES = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # for anything but training and validation
PIN_COLORS = ("#009E73", "#AA4499", "#7A5C00", "#56B4E9", "#882255", "#117733")  # none of them taken by PARTS
INK, FAINT = "#222222", "#8a8a8a"  # for text, and for lines that nobody has to read
STATUS_COLORS = {
    "preparing": "#8a8a8a",
    "training": "#2e7d32",
    "finished": "#0072B2",
    "stopped": "#b26a00",
    "failed": "#c62828",
    "closed": "#8a8a8a",
}
