"""CRI's messages as a later release may have them: each has one field more, which nobody here knows.

`filled` gives a message in which every field is set, down to the last nested one: what comes out of the shim equal to
what went in has lost nothing.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FieldDescriptor

from cri import load_messages

FUTURE = 1000


def _add_future(file: descriptor_pb2.FileDescriptorProto) -> None:
    for message in file.message_type:
        message.field.add(
            name="future",
            number=FUTURE,
            type=descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
            label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
        )


newer: SimpleNamespace = load_messages(_add_future)


def filled(name: str, **fields: Any) -> Any:
    """An instance with these fields of its own, and something in all others."""
    message = getattr(newer, name)()
    _fill(message, name)
    for field, value in fields.items():
        if isinstance(value, list):
            message.ClearField(field)
            getattr(message, field).extend(value)
        else:
            setattr(message, field, value)
    return message


def _fill(message: Any, path: str) -> None:
    for field in message.DESCRIPTOR.fields:
        here = f"{path}.{field.name}"
        value = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            value["key"] = here
        elif field.label == FieldDescriptor.LABEL_REPEATED:
            for number in range(2):
                if field.message_type:
                    _fill(value.add(), f"{here}[{number}]")
                else:
                    value.append(f"{here}[{number}]")
        elif field.message_type:
            _fill(value, here)
        else:
            setattr(message, field.name, _scalar(field, here))


def _scalar(field: FieldDescriptor, path: str) -> Any:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return path
    return True if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else field.number
