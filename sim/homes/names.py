"""Names of the devices that a simulated home may have."""

from typing import Final

from rules.observation import DeviceId

KETTLE: Final = DeviceId("kettle")
RICE_COOKER: Final = DeviceId("rice-cooker")
MICROWAVE: Final = DeviceId("microwave")
TELEVISION: Final = DeviceId("television")
FRIDGE: Final = DeviceId("fridge")
BLANKET: Final = DeviceId("electric-blanket")
WASHING_MACHINE: Final = DeviceId("washing-machine")
FAN: Final = DeviceId("fan")
AIR_CONDITIONER: Final = DeviceId("air-conditioner")
URN: Final = DeviceId("water-urn")
PORCH_LAMP: Final = DeviceId("porch-lamp")
"On a timer."
HEATER: Final = DeviceId("heater")
LIVING_NODE: Final = DeviceId("living-node")
"A plug node: a reading lamp is plugged in; it has a light sensor, a button, a LED and a buzzer."

LIVING_MOTION: Final = DeviceId("living-motion")
KITCHEN_MOTION: Final = DeviceId("kitchen-motion")
BEDROOM_MOTION: Final = DeviceId("bedroom-motion")
BATHROOM_MOTION: Final = DeviceId("bathroom-motion")
HALL_MOTION: Final = DeviceId("hall-motion")
SECOND_MOTION: Final = DeviceId("second-bedroom-motion")

FRONT_DOOR: Final = DeviceId("front-door")
FRIDGE_DOOR: Final = DeviceId("fridge-door")
CUPBOARD: Final = DeviceId("kitchen-cupboard")
DRAWER: Final = DeviceId("kitchen-drawer")
MEDICINE: Final = DeviceId("medicine-cabinet")
WARDROBE: Final = DeviceId("wardrobe")
BATHROOM_DOOR: Final = DeviceId("bathroom-door")
BEDROOM_DOOR: Final = DeviceId("bedroom-door")
BALCONY_DOOR: Final = DeviceId("balcony-door")
SHOES: Final = DeviceId("shoe-cabinet")

BED: Final = DeviceId("bed-mat")
SEAT: Final = DeviceId("seat-mat")

BATHROOM_LEAK: Final = DeviceId("bathroom-leak")
KITCHEN_LEAK: Final = DeviceId("kitchen-leak")
FLOOR_LEAK: Final = DeviceId("floor-leak")
KITCHEN_SMOKE: Final = DeviceId("kitchen-smoke")
LIVING_SMOKE: Final = DeviceId("living-smoke")
BEDROOM_SMOKE: Final = DeviceId("bedroom-smoke")
KITCHEN_GAS: Final = DeviceId("kitchen-gas")
BOILER_CO: Final = DeviceId("boiler-co")
LIVING_AIR: Final = DeviceId("living-temperature")
BEDROOM_AIR: Final = DeviceId("bedroom-temperature")
KITCHEN_AIR: Final = DeviceId("kitchen-temperature")
SOS_BUTTON: Final = DeviceId("sos-button")
BATHROOM_SOS: Final = DeviceId("bathroom-sos")
PENDANT: Final = DeviceId("sos-pendant")
