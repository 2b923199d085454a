"""Records that the Kinesis Producer Library has put together."""
import hashlib

_AGGREGATED = b"\xf3\x89\x9a\xc2"


def taken_apart(key, data):
    """The records of one that the Kinesis Producer Library has put together."""
    if len(data) < 20 or not data.startswith(_AGGREGATED) or hashlib.md5(data[4:-16]).digest() != data[-16:]:
        return [(key, data)]
    keys, found = [], []
    try:
        for number, value in _fields(data[4:-16]):
            if number == 1:
                keys.append(value.decode())
            elif number == 3:
                index, body = None, b""
                for n, v in _fields(value):
                    if n == 1:
                        index = v
                    elif n == 3:
                        body = v
                found.append((index, body))
        return [(keys[i], body) for i, body in found]
    except (ValueError, IndexError, TypeError, UnicodeDecodeError):
        return [(key, data)]


def _fields(b):
    """The fields of a message of Protocol Buffers."""
    at = 0
    while at < len(b):
        tag, at = _varint(b, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(b, at)
        elif kind == 2:
            size, at = _varint(b, at)
            if at + size > len(b):
                raise ValueError("cut off")
            value, at = b[at : at + size], at + size
        else:
            raise ValueError("unknown wire type")
        yield tag >> 3, value


def _varint(b, at):
    value = shift = 0
    while True:
        if at >= len(b) or shift > 63:
            raise ValueError("cut off")
        value |= (b[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if b[at - 1] < 128:
            return value, at
