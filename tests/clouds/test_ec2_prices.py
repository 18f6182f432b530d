"""What an instance costs, from AWS's price list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.clouds import Priced
from keepapart.clouds.ec2.prices import home, per_hour
from keepapart.clouds.ec2.settings import Settings
from keepapart.errors import CloudError, ConfigError
from tests.clouds.conftest import Account, Open

CONFIG = """
[cluster]
name = "orders"
[cloud]
provider = "ec2"
image_id = "ami-lab"
[launch]
max_money = 1
"""


class Listed:
    """A price list that answers these products."""

    def __init__(self, *products: Any) -> None:
        self.products = [json.dumps(product) for product in products]

    def get_products(self, **_: Any) -> Any:
        return {"PriceList": self.products}


def product(*prices: str, unit: str = "Hrs") -> Any:
    """Return a product in the shape of the offer file."""
    dimensions = {f"d{n}": {"unit": unit, "pricePerUnit": {"USD": price}} for n, price in enumerate(prices)}
    return {"product": {}, "terms": {"OnDemand": {"t": {"priceDimensions": dimensions}}, "Reserved": {}}}


def test_the_price_is_asked_of_the_list(cloud: Open) -> None:
    """EC2 can say what an instance of the configured type costs an hour."""
    ec2 = cloud(instance_type="m5.large")
    assert isinstance(ec2, Priced)
    assert ec2.price_per_hour() == 0.1


def test_of_several_prices_the_highest_counts() -> None:
    """Prices of other units, and terms other than on-demand, are passed over."""
    listed = Listed(product("0.1", "0.3"), product("0.2"), product("9", unit="Quantity"), {"terms": {}})
    assert per_hour(listed, Settings(instance_type="m5.large"), "eu-west-1") == 0.3


@pytest.mark.parametrize(
    ("listed", "kind", "error"),
    [
        (Listed(), "m5.large", ConfigError),
        (Listed(product("0.0")), "m5.large", ConfigError),
        (Listed(product("0.1")), "", ConfigError),
        (Listed({"terms": 3}), "m5.large", CloudError),
        (Listed(product("free")), "m5.large", CloudError),
    ],
)
def test_where_no_price_is_told_the_mend_is_named(listed: Listed, kind: str, error: type[Exception]) -> None:
    """One line that names `price_per_hour`; a price of nothing is no price."""
    with pytest.raises(error, match=r"price_per_hour$"):
        per_hour(listed, Settings(instance_type=kind), "eu-west-1")


def test_the_list_is_served_elsewhere() -> None:
    """Each partition has its own; the instances' region is a filter."""
    assert [home(r) for r in ("eu-west-1", "us-east-1", "cn-north-1")] == [
        "us-east-1",
        "us-east-1",
        "cn-northwest-1",
    ]


@pytest.mark.parametrize(
    ("more", "kind", "asked", "says"),
    [
        ("", "m5.large", 1, "1 of money (0.005 kept ready for each candidate)"),
        ("price_per_hour = 2", "m5.large", 0, "1 of money (0.1 kept ready for each candidate)"),
        ("", "large", 1, "no price of 'large' in us-east-1 is listed; set [launch] price_per_hour"),
    ],
)
def test_it_is_asked_only_where_it_is_needed(
    account: Account,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: str,
    kind: str,
    asked: int,
    says: str,
) -> None:
    """`max_money` without `price_per_hour` asks once; `gc`, which spends nothing, never does."""
    path = tmp_path / "keepapart.toml"
    path.write_text(f"{CONFIG}{more}\n".replace('"ami-lab"', f'"ami-lab"\ninstance_type = "{kind}"'))
    assert main(["-c", str(path), "gc"]) == 0
    assert account.control.calls("GetProducts") == []
    code = main(["-c", str(path), "admit", "--dry-run"])
    told = capsys.readouterr()
    assert says in told.out + told.err
    assert code == (2 if "no price" in says else 0)
    assert len(account.control.calls("GetProducts")) == asked
