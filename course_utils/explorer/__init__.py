"""The explorer: sliders that retrain a real Keras network and draw its learning curves while it learns."""

from course_utils.explorer.explorer import Explorer

__all__ = ["Explorer"]
