"""Azure's models, as azure-mgmt-compute and azure-mgmt-network have them: each field is its type's own."""

import json
import sys
from typing import Any, get_args, get_type_hints

from azure.mgmt.compute import models as compute
from azure.mgmt.network import models as network

LISTS = {
    "virtualMachines": compute.VirtualMachine,
    "scaleSetMachines": compute.VirtualMachineScaleSetVM,
    "availabilitySets": compute.AvailabilitySet,
    "virtualMachineScaleSets": compute.VirtualMachineScaleSet,
    "networkInterfaces": network.NetworkInterface,
}
SINGLE = {
    "virtualMachine": compute.VirtualMachine,
    "virtualMachineScaleSet": compute.VirtualMachineScaleSet,
    "availabilitySet": compute.AvailabilitySet,
}


def models_in(kind: Any) -> list[Any]:
    """Return the models that a type is made of."""
    if isinstance(kind, type) and kind.__module__.endswith("._models"):
        return [kind]
    return [one for part in get_args(kind) for one in models_in(part)]


def strange(value: Any, kind: Any, where: str) -> list[str]:
    """Return what of a value the type doesn't know."""
    if isinstance(value, list):
        return [said for item in value for said in strange(item, kind, where)]
    models = models_in(kind)
    if not isinstance(value, dict) or not models:
        return []
    model = models[0]
    model()  # its fields are only known by their names once one was made
    module = sys.modules[model.__module__]
    names = {**vars(module), "_models": sys.modules[module.__name__.removesuffix("._models")]}
    hints = get_type_hints(model, names)
    fields = {field._rest_name: name for name, field in model._attr_to_rest_field.items()}
    found = []
    for key, item in value.items():
        inner = f"{where}.{key}"
        found += strange(item, hints[fields[key]], inner) if key in fields else [inner]
    return found


if __name__ == "__main__":
    found = []
    for what, answer in json.load(sys.stdin):
        kind = SINGLE.get(what)
        found += strange(answer, kind, what) if kind else strange(answer["value"], LISTS[what], what)
    json.dump(found, sys.stdout)
