"""What a machine costs an hour, by Azure's retail prices: a public list, which is asked without a login.

Rules:
1. It is the price of the size in the location as it is used, in US dollars: neither Spot nor low priority,
   nor of a reservation or a subscription for tests.
2. With Windows it costs more. That is taken where a machine may have it: where no `user` is set, since that
   makes it Linux.
3. Of several prices, the highest. Disks, addresses and what a publisher wants for an image come beside it.
"""

from __future__ import annotations

import re

from msgspec import Struct

from keepapart.clouds.azure.request import NEEDED
from keepapart.clouds.azure.settings import Settings
from keepapart.clouds.rest import Page, Rest
from keepapart.errors import ConfigError

PATH = "/api/retail/prices"
CHEAPER = re.compile(r"\b(Spot|Low Priority)$")  # at the end of a meter's name; it may be ended at any time
HOUR = "1 Hour"


class Item(Struct, rename="camel"):
    """A price: what is read of it."""

    retail_price: float
    unit_of_measure: str = ""
    product_name: str = ""
    sku_name: str = ""
    meter_name: str = ""


class Items(Struct, rename="pascal"):
    """A page of prices."""

    items: list[Item]
    next_page_link: str | None = None


def per_hour(prices: Rest, settings: Settings) -> float:
    """Return the price, by the rules above. Raises `ConfigError` where the list has none."""
    for key, look in NEEDED:
        if key in ("location", "size") and not getattr(settings, key):
            raise ConfigError(f"[cloud] {key}: none is set", f"name one: {look}")
    words = {
        "serviceName": "Virtual Machines",
        "armRegionName": settings.location.lower(),
        "armSkuName": settings.size,
        "priceType": "Consumption",
    }
    query = {"$filter": " and ".join(f"{name} eq '{text}'" for name, text in words.items())}

    def page(link: str) -> Page[Item, str]:
        said = prices.get(link, Items) if link else prices.get(PATH, Items, query)
        return Page(said.items, said.next_page_link or None)

    found = [one.retail_price for one in prices.pages(page, "") if _is_meant(one, settings)]
    if not any(found):
        raise ConfigError(
            f"[cloud] size: Azure's price list has no {settings.size} in {settings.location}",
            "look at both, or set [launch] price_per_hour",
        )
    return max(found)


def _is_meant(one: Item, settings: Settings) -> bool:
    cheaper = CHEAPER.search(one.sku_name) or CHEAPER.search(one.meter_name)
    windows = one.product_name.endswith("Windows")
    return one.unit_of_measure == HOUR and not cheaper and not (windows and settings.user)
