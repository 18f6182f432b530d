"""What an instance costs, from AWS's price list: asked where `max_money` has no `price_per_hour`.

1. It is the on-demand price of `instance_type` in the region, Linux on shared tenancy, nothing installed. A
   template's type isn't looked up. Where several prices match, the highest counts: money errs to that side.
2. The list is served from a few regions only, whatever region is asked for: us-east-1 has all of partition
   "aws", cn-northwest-1 all of China's, in its currency.

Shapes are those of botocore's model of GetProducts, and of the offer file that each product is as JSON.
"""

from __future__ import annotations

import json
from typing import Any

from keepapart.clouds.ec2.errors import translate
from keepapart.clouds.ec2.settings import Settings
from keepapart.errors import CloudError, ConfigError

MEND = "set [launch] price_per_hour"


def home(region: str) -> str:
    """Name the region that serves the price list of this one's partition."""
    return "cn-northwest-1" if region.startswith("cn-") else "us-east-1"


def per_hour(client: Any, settings: Settings, region: str) -> float:
    """Return what an instance costs an hour; `client` is the price list's.

    Raises `ConfigError` where the list has no such price, `CloudError` where it can't be asked; both name the
    mend.
    """
    kind = settings.instance_type
    if not kind:
        raise ConfigError("[launch] max_money: without [cloud] instance_type no price can be asked for", MEND)
    wanted = {
        "instanceType": kind,
        "regionCode": region,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "tenancy": "Shared",
    }
    try:
        answer = client.get_products(
            ServiceCode="AmazonEC2",
            Filters=[{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()],
        )
    except Exception as error:
        raise CloudError(f"{translate(error, f'asking what {kind} costs')}; or {MEND}") from error
    found = [price for product in answer["PriceList"] for price in _prices(product)]
    if not any(found):
        raise ConfigError(f"[launch] max_money: no price of {kind!r} in {region} is listed", MEND)
    return max(found)


def _prices(product: str) -> list[float]:
    """Read the hourly on-demand prices of a product. Raises `CloudError` for what can't be read."""
    try:
        terms = json.loads(product)["terms"].get("OnDemand", {}).values()
        dimensions = [each for term in terms for each in term["priceDimensions"].values()]
        return [float(p) for d in dimensions if d["unit"] == "Hrs" for p in d["pricePerUnit"].values()]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CloudError("AWS's price list answered what can't be read", MEND) from None
