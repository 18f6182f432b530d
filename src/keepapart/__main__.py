"""`python -m keepapart`."""

import sys

from keepapart.cli import main

sys.exit(main())
