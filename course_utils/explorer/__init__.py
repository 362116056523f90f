"""The explorer: sliders that retrain a real Keras network and draw its learning curves while it learns.

Data goes round once; each arrow is a call, and what is handed on is never changed afterwards::

    Widgets ──value──▸ Explorer ──Setup──▸ Session ──▸ Worker          train   (networks, restart)
       ▴                                      ▴          │
       │ PNG, words                           └─Progress─┘
       │                                      │
    Painter ◂──Scene── ExplorerState ◂────────┘
     draw   (figure, sweep_figure, rates, diagram, marks)      decide   (verdict, words, sweep)

`explorer` is what students see, with the `hands` that move it; `beginning` is what it starts with, and `session` joins
the parts. `threads` is what worker, painter and preparer have in common, which work by themselves; without the preparer
(`prepare`) all the rest works, too. `page` knows which explorers are still looked at. `ticker` brings pictures to front
ends that take nothing from threads. `saved` writes what was trained to a file, and reads it. Everything else holds
values or makes them: `control`, `controls`, `progress`, `average`, `scene`, `panel`.

A network of the reader's takes another way from its settings to its training alone: `own` makes controls of the
signature of its function, `own_networks` builds and trains the model, `anatomy` says what it turned out to be, and
`own_code` writes it down.

Threads and locks
-----------------
Four kinds of threads meet here: the kernel's, also that of its subshells (moves, buttons, Python), and one each of
worker, preparer and painter. A lock is taken only by a thread that holds none, or one to its left::

    E  ▸  W, P, F  ▸  G

- **E**, of the session (and its painter): the state, and what is on the screen. Held while a request is made, so that
  the state and the worker never disagree on which is the newest; not while a picture is drawn.
- **W**, of the worker: the newest request and what is finished. Not held while it trains, nor while it reports, which
  takes E. So a report may come just after its request was replaced, and the session compares the numbers.
- **P**, of the preparer: what it is to trace.
- **F**, of the widgets: whether they are moved by the explorer or by a hand.
- **G**, of the cache of graphs (`training.cache`): for moments only. A network that is *borrowed* from it is like one
  more lock, the first of all: worker and preparer take it with no other in hand, and go on to take W and E.

A run is cancelled by its number: the worker compares it with that of the newest request after every epoch. Threads hold
no explorer (`session.weakly`): when nobody else does, it is freed, and its threads end.
"""

import course_utils.quiet  # first: TensorFlow's log lines stay out of the page

from course_utils.explorer.explorer import Explorer

__all__ = ["Explorer"]
