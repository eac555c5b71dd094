"""Vouchers that the shop keeps in its own system, where it does."""

from __future__ import annotations

from collections.abc import Iterable

from engagement.adapters import get_adapter
from engagement.flows import faults


def revoke(shop_refs: Iterable[str]) -> None:
    """Make vouchers count no more; what the shop cannot revoke is told in the log."""
    for shop_ref in shop_refs:
        try:
            with faults.contained():
                get_adapter().offers().revoke(shop_ref)
        except Exception:
            faults.report("adapter.revoke", "The shop cannot revoke voucher %s", shop_ref)
