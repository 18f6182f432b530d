"""The conformance suite for clouds: a rule a function, for whoever writes a cloud to run with it.

```python
@pytest.mark.parametrize("rule", CLOUD_RULES, ids=lambda rule: rule.__name__)
def test_my_cloud(rule: CloudRule) -> None:
    with CloudUnderTest(lambda: connect(SETTINGS, ())) as cloud:
        rule(cloud)
```

`LISTING_RULES` are rules of any cloud, `LAUNCHING_RULES` those of one that launches too. A rule that is
broken is an `AssertionError` whose text says what was wanted, or an error of the cloud where none was. A rule
that needs what `CloudUnderTest` wasn't given is skipped, in pytest's way; nothing else here needs pytest.
"""

from __future__ import annotations

from keepapart.testing.clouds.launching import LAUNCHING_RULES
from keepapart.testing.clouds.listing import LISTING_RULES
from keepapart.testing.clouds.under_test import CloudRule, CloudUnderTest, Provoked

CLOUD_RULES = (*LISTING_RULES, *LAUNCHING_RULES)

__all__ = ["CLOUD_RULES", "LAUNCHING_RULES", "LISTING_RULES", "CloudRule", "CloudUnderTest", "Provoked"]
