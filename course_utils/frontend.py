"""`has_front_end`: whether somebody sees what a notebook draws. The explorer and the progress bar ask this."""

from __future__ import annotations

import os
import sys

__all__ = ["has_front_end"]


def has_front_end() -> bool:
    """Whether this is a notebook that somebody has open, so that widgets can be moved.

    nbval, nbconvert and the like run a notebook with nobody to answer a question (`input`), and say so to the kernel.
    Voilà says so too, but shows the page to a reader afterwards. A kernel that does not know the question, because it
    is not ipykernel or one of another time, counts as seen: a slider that nobody moves does less harm than a picture
    where a slider should be.
    """
    ipython = sys.modules.get("IPython")  # not imported for this: where it is missing, there is no notebook
    kernel = None if ipython is None else getattr(ipython.get_ipython(), "kernel", None)
    if kernel is None:
        return False
    is_voila = os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")
    # ipykernel has no public name for it; `test_a_real_kernel_…` guards this one.
    return is_voila or bool(getattr(kernel, "_allow_stdin", True))
