"""BLE adverts to observations: formats, their meaning, and the adapter that judges them."""

from drivers.ble.adapter import BleAdapter, Counts
from drivers.ble.advert import RawAdvert

__all__ = ["BleAdapter", "Counts", "RawAdvert"]
