"""The command line: `python -m authoring record|check [notebook …]`."""

import sys

from authoring.notebooks import main

sys.exit(main())
