"""All tests: Ctrl-C reaches what they start, also where a shell runs them in the background."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # which every process that is started would inherit
    signal.signal(signal.SIGINT, signal.default_int_handler)
