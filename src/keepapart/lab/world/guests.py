"""The [guests] section of a world file: what each instance sees of the machine that it takes itself to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from keepapart.tables import Table

Line = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[ -~]+\Z", description="one line of ASCII is wanted")
]


class Guests(Table, frozen=True):
    """What the firmware says of its makers, by the names of the kernel's DMI files.

    `vendor` is `sys_vendor`: where it is empty, there is no section and no machine.
    """

    vendor: Line
    product_name: Line = ""
    product_version: Line = ""
    chassis_asset_tag: Line = ""
    chassis_vendor: Line = ""
    board_vendor: Line = ""
    bios_vendor: Line = ""
    bios_version: Line = ""

    def texts(self) -> Mapping[str, str]:
        """Return what each DMI file that there is holds, by the file's name."""
        named = {
            "sys_vendor" if key == "vendor" else key: getattr(self, key) for key in self.__struct_fields__
        }
        return {name: text for name, text in named.items() if text}


NO_GUESTS = Guests("")
