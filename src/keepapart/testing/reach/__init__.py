"""The conformance suite for ways in: a rule a function, for whoever writes a way in to run with it.

```python
@pytest.mark.parametrize("rule", TRANSPORT_RULES, ids=lambda rule: rule.__name__)
def test_my_way_in(rule: TransportRule) -> None:
    under_test = TransportUnderTest(lambda: open_transport(ReachSettings()), WHERES, ADDRESSES)
    asyncio.run(rule(under_test))
```

A rule that is broken is an `AssertionError` whose text says what was wanted, or an error of the way in where
none was. A rule that needs what `TransportUnderTest` wasn't given is skipped, in pytest's way; nothing else
here needs pytest.
"""

from __future__ import annotations

from keepapart.testing.reach.rules import TRANSPORT_RULES
from keepapart.testing.reach.under_test import TransportRule, TransportUnderTest

__all__ = ["TRANSPORT_RULES", "TransportRule", "TransportUnderTest"]
