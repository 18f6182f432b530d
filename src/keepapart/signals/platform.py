"""Platform: whose machine an instance runs on, by its vendor's texts. No packet is sent to find out."""

from __future__ import annotations

from collections.abc import Mapping

BY_MAKER = {"Amazon EC2": "ec2", "Hetzner": "hetzner", "DigitalOcean": "digitalocean"}


def platform_of(texts: Mapping[str, str]) -> str:
    """Name the platform; empty where the texts name none."""
    return BY_MAKER.get(texts.get("maker", "").strip(), "")
