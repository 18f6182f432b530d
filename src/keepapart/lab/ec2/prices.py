"""AWS's price list as the lab answers it: GetProducts, which moto lacks. Every type costs the same."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.core.responses import ActionResult, BaseResponse

PER_HOUR = "0.1000000000"  # USD, for whatever looks like a type
TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")


class PricingResponse(BaseResponse):
    """Answers one call; permissions are moto's."""

    def __init__(self) -> None:
        super().__init__(service_name="pricing")

    def call_action(self) -> Any:
        """Answer; a refusal, which moto words in XML, as this API words it."""
        status, headers, body = super().call_action()
        if status == 403:
            said = re.search(r"<Message>(.*?)</Message>", str(body))
            error = {"__type": "AccessDeniedException", "Message": said[1] if said else ""}
            return 400, headers, json.dumps(error)
        return status, headers, body

    def get_products(self) -> ActionResult:
        """List the product that the filters name: its attributes, and one on-demand term."""
        filters = json.loads(self.body)["Filters"]
        attributes = {one["Field"]: one["Value"] for one in filters}
        known = TYPE.fullmatch(attributes.get("instanceType", ""))
        return ActionResult({"FormatVersion": "aws_v1", "PriceList": [_product(attributes)] if known else []})


def _product(attributes: dict[str, str]) -> str:
    dimension: dict[str, Any] = {"unit": "Hrs", "beginRange": "0", "pricePerUnit": {"USD": PER_HOUR}}
    term = {"offerTermCode": "JRTCKXETXF", "priceDimensions": {"LAB.JRTCKXETXF.6YS6EN2CT7": dimension}}
    return json.dumps(
        {
            "product": {"productFamily": "Compute Instance", "attributes": attributes, "sku": "LAB"},
            "serviceCode": "AmazonEC2",
            "terms": {"OnDemand": {"LAB.JRTCKXETXF": term}},
        }
    )
