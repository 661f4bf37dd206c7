# SPDX-License-Identifier: Apache-2.0
"""Reads the specification's JSON schema into the form of config-members.tsv."""
import json
import os

import members

OTHER_PLATFORMS = ("solaris", "windows", "vm", "zos", "freebsd")


class Schema:
    def __init__(self, folder):
        self.folder, self.files, self.rows = folder, {}, {}

    def file(self, name):
        if name not in self.files:
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                self.files[name] = json.load(file)
        return self.files[name]

    def resolve(self, node, name):
        """Follows references; gives the node and the file that its own references count from."""
        while "$ref" in node:
            target, _, pointer = node["$ref"].partition("#")
            name = target or name
            node = self.file(name)
            for step in pointer.strip("/").split("/"):
                node = node[step]
        return node, name

    def merge(self, parts, name):
        """allOf: one object with the members of all."""
        merged = {"type": "object", "properties": {}, "required": []}
        for part in parts:
            part, where = self.resolve(part, name)
            for member, node in part.get("properties", {}).items():
                merged["properties"][member] = self.resolve(node, where)[0]
            merged["required"] += part.get("required", [])
        return merged

    def walk(self, path, node, name, required):
        node, name = self.resolve(node, name)
        if "anyOf" in node:
            return self.walk(path, node["anyOf"][0], name, required)
        if "allOf" in node:
            node = self.merge(node["allOf"], name)
        self.rows[path or "."] = (kind_of(node), required)
        if "items" in node:
            self.walk(f"{path}[]", node["items"], name, False)
        for value in values_of(node):
            self.walk(f"{path}{{}}", value, name, False)
        for member, value in node.get("properties", {}).items():
            where = f"{path}.{member}" if path else member
            self.walk(where, value, name, member in node.get("required", []))
        return None


def values_of(node):
    """What the values of a map must be."""
    values = list(node.get("patternProperties", {}).values())
    return values + [node["additionalProperties"]] if "additionalProperties" in node else values


def kind_of(node):
    if "enum" in node:
        return "one of " + " ".join(node["enum"])
    if "pattern" in node:
        return "like " + node["pattern"]
    if node["type"] == "integer":
        bounds = (node.get("minimum"), node.get("maximum"))
        for name, known in members.RANGES.items():
            if bounds == known:
                return name
        return f"integer from {bounds[0]}" + (f" to {bounds[1]}" if bounds[1] is not None else "")
    if node["type"] == "array" and node.get("minItems"):
        return f"array of {node['minItems']} or more"
    return "map" if values_of(node) else node["type"]


def members_of(folder):
    """{path: (kind, is required)} of config.json on Linux."""
    schema = Schema(folder)
    top = dict(schema.file("config-schema.json"))
    top["properties"] = {name: node for name, node in top["properties"].items()
                         if name not in OTHER_PLATFORMS}
    schema.walk("", top, "config-schema.json", False)
    return schema.rows


def features_of(folder):
    """The same of the features document."""
    schema = Schema(folder)
    schema.walk("", schema.file("features-schema.json"), "features-schema.json", False)
    return schema.rows
