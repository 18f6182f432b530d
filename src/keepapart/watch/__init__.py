"""`keepapart watch`: audits on a schedule, and what comes of them for people and programs.

`follow` is all of that for programs.

`schedule` says when, `child` is the process that makes one audit, `loop` has one made after the other;
`news` says what changed, `webhooks` tells it to others, `metrics` and `api` answer whoever asks, `page` is
for people, and `serve` puts all of it together.

Rules:
1. One audit of a cluster at a time, whoever watches it by this store. What was missed is not made up for.
2. No audit ends the watch, however it fails. It has its time, after which it is ended, and a process of its
   own: whatever it leaks or breaks goes with that.
3. Unknown is never safe: what is older than `loop.STALE` intervals is not known any more, and what was
   audited before the watch began isn't either.
4. Clock, sleep and chance are handed in.
"""

from keepapart.documents.watch import NewsDocument
from keepapart.watch.follow import Watched, follow, follow_async

__all__ = ["NewsDocument", "Watched", "follow", "follow_async"]
