"""Scaleway's models, as its SDK has them: an answer can be read, and each field is one of the type's."""

import dataclasses
import json
import sys

from scaleway.instance.v1 import types
from scaleway.instance.v1.marshalling import unmarshal_ListServersResponse

if __name__ == "__main__":
    found = []
    for what, answer in json.load(sys.stdin):
        unmarshal_ListServersResponse(answer)
        for server in answer["servers"]:
            for value, kind in ((server, types.Server), (server.get("location"), types.ServerLocation)):
                known = {field.name for field in dataclasses.fields(kind)}
                found += sorted(f"{what}: {field}" for field in (value or {}).keys() - known)
            for address in server.get("public_ips", ()):
                known = {field.name for field in dataclasses.fields(types.ServerIp)}
                found += sorted(f"{what}: {field}" for field in address.keys() - known)
    json.dump(found, sys.stdout)
