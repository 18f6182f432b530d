"""The conformance suite for clouds: a rule a function, for whoever writes a cloud to run with it.

```python
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_my_cloud(rule: Rule) -> None:
    with CloudUnderTest(lambda: connect(SETTINGS, ())) as cloud:
        rule(cloud)
```

`LISTING` are rules of any cloud, `LAUNCHING` those of one that launches too. A rule that is broken is an
`AssertionError` whose text says what was wanted, or an error of the cloud where none was. A rule that needs
what `CloudUnderTest` wasn't given is skipped, in pytest's way; nothing else here needs pytest.
"""

from __future__ import annotations

from keepapart.testing.clouds.launching import LAUNCHING
from keepapart.testing.clouds.listing import LISTING
from keepapart.testing.clouds.under_test import CloudUnderTest, Provoked, Rule

RULES = (*LISTING, *LAUNCHING)

__all__ = ["LAUNCHING", "LISTING", "RULES", "CloudUnderTest", "Provoked", "Rule"]
