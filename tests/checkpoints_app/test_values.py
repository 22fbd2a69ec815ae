"""What a value is, it is again after a round trip; what could not be is refused."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import ipaddress
import math
import pathlib
import re
import uuid
import zoneinfo
from typing import Any, NamedTuple

import ormsgpack
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from langgraph.types import Command, Interrupt, Send
from pydantic import BaseModel, Field, PrivateAttr

from checkpoints_app.serde import (
    BlockedType,
    Compressor,
    DamagedValue,
    StateSerializer,
    UnreadableType,
    decode_data,
)


class Color(enum.Enum):
    RED = "red"


class Word(str, enum.Enum):  # noqa: UP042  # the older form is common
    YES = "yes"


class Level(enum.IntEnum):
    HIGH = 3


class Flags(enum.Flag):
    A = 1
    B = 2


class Pair(NamedTuple):
    left: Any
    right: Any


class Slug(str):
    pass


class Bag(list[Any]):
    pass


@dataclasses.dataclass(frozen=True)
class Point:
    x: Any
    y: Any = None


@dataclasses.dataclass(slots=True)
class Derived:
    base: int
    double: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.double = self.base * 2


class Person(BaseModel):
    name: str = Field("nobody", alias="Name")
    friend: Any = None
    tags: tuple[str, ...] = ()
    _seen: int = PrivateAttr(0)


class Student(Person):
    school: str = "none"


OWN = (Color, Word, Level, Flags, Pair, Slug, Bag, Point, Derived, Person, Student)
MOMENT = dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
VALUES: list[Any] = [
    None, True, 0, -1, 2**64 - 1, 2**64, -(2**63) - 1, 10**5000, 1.5, float("inf"), "", "text",
    "a\x00b", "\ud800 alone", "\U0001f600", b"", b"\x00\xff", bytearray(b"top"), [bytearray(b"in")],
    [], {}, (), (1, (2, [3])), {"a": (1,)}, {1: "a", None: "b", False: "c"}, {(1, 2): {3}},
    {"\ud800": 1}, {2**70: 1}, set(), {1, "a"}, frozenset({(1, 2)}),
    collections.deque([1, 2], maxlen=3), collections.OrderedDict(b=1, a=2),
    collections.Counter("hello"), collections.defaultdict(list, a=[1]),
    collections.defaultdict(None, a=1),
    decimal.Decimal("1.10"), uuid.UUID(int=5), ipaddress.ip_network("10.0.0.0/8"),
    ipaddress.ip_address("::1"), pathlib.PurePosixPath("a/b"), pathlib.Path("/tmp"),
    re.compile("a+", re.IGNORECASE), zoneinfo.ZoneInfo("UTC"),
    dt.datetime(2026, 1, 1),  # noqa: DTZ001  # without a zone
    MOMENT, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.date(2026, 1, 1),
    dt.time(1, 2, tzinfo=dt.UTC), dt.timedelta(-1, 5), dt.timezone(dt.timedelta(hours=3), "X"),
    Color.RED, Word.YES, Level.HIGH, Flags.A | Flags.B, {Color.RED: Word.YES}, {Level.HIGH: 1},
    {Color.RED, Word.YES}, Pair(1, (2,)), Slug("s"), {Slug("k"): 1}, Bag([1, Color.RED]),
    Point(1, [Point(Color.RED)]), {Point(1): Point(2)}, Derived(4),
    Person(Name="ann", friend=Student(Name="bob", friend=Point(1), school="a"), tags=("x",)),
    AIMessage("hi", id="1", tool_calls=[{"name": "f", "args": {"a": 1}, "id": "2"}]),
    ToolMessage("done", tool_call_id="2", artifact=Point(3)),
    Send("node", {"a": (1,)}), Interrupt(value=Point(1), id="i"), _DeltaSnapshot([1, Point(2)]),
    Command(update={"a": Color.RED}, goto="b"),
]  # fmt: skip


@pytest.fixture
def serializer() -> StateSerializer:
    return StateSerializer(allowed=OWN)


def types_in(value: Any) -> Any:
    """Return the value with the type of everything in it."""
    if isinstance(value, dict):
        pairs = [(types_in(key), types_in(item)) for key, item in value.items()]
        return type(value), sorted(pairs, key=repr)
    if isinstance(value, (list, tuple, set, frozenset, collections.deque)):
        return type(value), sorted(map(types_in, value), key=repr)
    if dataclasses.is_dataclass(value) or isinstance(value, BaseModel):
        names = getattr(value, "__dict__", None) or {
            name: getattr(value, name) for name in getattr(value, "__slots__", ())
        }
        return type(value), types_in(dict(names))
    return type(value)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_with_its_types(serializer: StateSerializer, value: Any) -> None:
    loaded = serializer.loads_typed(serializer.dumps_typed(value))

    assert loaded == value
    assert types_in(loaded) == types_in(value)


def test_nan_zones_and_limits_come_back(serializer: StateSerializer) -> None:
    nan, moment, queue, factory = serializer.loads_typed(
        serializer.dumps_typed(
            [math.nan, MOMENT, collections.deque([1], 5), collections.defaultdict(int)]
        )
    )

    assert math.isnan(nan)
    assert (moment.tzinfo, moment.fold) == (MOMENT.tzinfo, 1)
    assert queue.maxlen == 5
    assert factory.default_factory is int


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.sampled_from([Color.RED, Word.YES, Level.HIGH]),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.sampled_from([Color.RED]), inner)
        | st.builds(Point, inner)
    ),
    max_leaves=20,
)


@given(plain)
def test_any_nesting_of_values_comes_back_with_its_types(value: Any) -> None:
    serializer = StateSerializer(allowed=OWN)

    loaded = serializer.loads_typed(serializer.dumps_typed(value))

    assert loaded == value
    assert types_in(loaded) == types_in(value)


class TestRefusedAtWriting:
    @pytest.mark.parametrize(
        "value",
        [
            Color.RED, Word.YES, Level.HIGH, Point(1), Pair(1, 2), Slug("s"), Bag([1]),
            [Point(1)], {"a": [{"b": Point(1)}]}, {Color.RED: 1}, {Word.YES: 1}, {Level.HIGH: 1},
            {Color.RED}, {(Color.RED, 1): 1}, Person(Name="ann"),
            ToolMessage("x", tool_call_id="1", artifact=Point(1)), Send("n", {"a": Point(1)}),
            Interrupt(value=[Color.RED], id="i"), _DeltaSnapshot([Point(1)]),
        ],
        ids=lambda value: type(value).__name__,
    )  # fmt: skip
    def test_a_type_off_the_list_is_named_with_the_line_to_add(self, value: Any) -> None:
        with pytest.raises(UnreadableType) as caught:
            StateSerializer().dumps_typed(value)

        cls = caught.value.type
        assert cls in OWN
        line = '"checkpointer": {"serde": {"allowed_msgpack_modules": '
        assert f'{line}[["{cls.__module__}", "{cls.__name__}"]]}}}}' in str(caught.value)
        allowed = StateSerializer().with_msgpack_allowlist([cls])
        assert allowed.loads_typed(allowed.dumps_typed(value)) == value

    @pytest.mark.parametrize(
        "value",
        [
            object(), ValueError("x"), [{"a": ValueError("x")}], print, int, 1j, range(3),
            memoryview(b"x"), [memoryview(b"x")], collections.defaultdict(lambda: 1),
            type("Local", (), {})(), collections.UserDict(a=1), iter([]),
        ],
        ids=lambda value: type(value).__name__,
    )  # fmt: skip
    def test_what_nobody_could_rebuild_is_refused(self, value: Any) -> None:
        with pytest.raises(UnreadableType) as caught:
            StateSerializer(allowed=OWN).dumps_typed(value)

        assert "allowed_msgpack_modules" not in str(caught.value)

    def test_a_class_inside_a_function_is_refused_even_when_listed(self) -> None:
        @dataclasses.dataclass
        class Hidden:
            x: int

        with pytest.raises(UnreadableType, match="top level of its module"):
            StateSerializer(allowed=[Hidden]).dumps_typed(Hidden(1))

    def test_endless_nesting_is_refused(self) -> None:
        endless: list[Any] = []
        endless.append(endless)
        deep = Point(0)
        for _ in range(300):
            deep = Point(deep)

        for value in (endless, deep):
            with pytest.raises(UnreadableType):
                StateSerializer(allowed=OWN).dumps_typed(value)


class TestReading:
    def test_a_type_off_the_list_is_blocked_and_named(self, serializer: StateSerializer) -> None:
        stored = serializer.dumps_typed({"a": [Point(1)]})

        with pytest.raises(BlockedType, match="Point"):
            StateSerializer().loads_typed(stored)

    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("pickle", b"x"), ("json", b"{}"), ("msgpack", b""), ("msgpack", b"\xc1"),
            ("msgpack", b"\x92\x01"), ("msgpack", b"\x91" * 5000),
            ("msgpack", ormsgpack.packb(ormsgpack.Ext(0, b"\xc1"))),
            ("msgpack", ormsgpack.packb(ormsgpack.Ext(99, b"\x90"))),
            ("msgpack", ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(["uuid", "UUID", "zz"])))),
        ],
    )  # fmt: skip
    def test_damaged_bytes_raise_and_never_become_something_else(
        self, serializer: StateSerializer, kind: str, data: bytes
    ) -> None:
        with pytest.raises(DamagedValue):
            serializer.loads_typed((kind, data))

    @pytest.mark.parametrize(("module", "name"), [("os", "system"), ("builtins", "eval")])
    def test_code_in_a_stored_value_is_not_run(
        self, serializer: StateSerializer, tmp_path: pathlib.Path, module: str, name: str
    ) -> None:
        body = ormsgpack.packb([module, name, f"touch {tmp_path}/ran"])

        for code in range(6):
            with pytest.raises((BlockedType, DamagedValue)):
                serializer.loads_typed(("msgpack", ormsgpack.packb(ormsgpack.Ext(code, body))))

        assert not list(tmp_path.iterdir())

    def test_a_listed_name_that_is_no_class_is_blocked(self) -> None:
        body = ormsgpack.packb(["os", "system", "true"])
        serializer = StateSerializer(allowed=[("os", "system")])

        with pytest.raises(BlockedType):
            serializer.loads_typed(("msgpack", ormsgpack.packb(ormsgpack.Ext(0, body))))

    def test_what_langgraph_wrote_is_read(self, serializer: StateSerializer) -> None:
        value = [AIMessage("hi", id="1"), Point(1), MOMENT.date(), {"a": Send("n", 1)}]

        stored = JsonPlusSerializer(allowed_msgpack_modules=OWN).dumps_typed(value)

        assert serializer.loads_typed(stored) == value

    def test_langgraph_reads_what_is_written_here(self, serializer: StateSerializer) -> None:
        value = [AIMessage("hi", id="1"), Point(1), MOMENT.date(), {"a": Send("n", 1)}, Color.RED]

        stored = serializer.dumps_typed(value)

        assert JsonPlusSerializer(allowed_msgpack_modules=OWN).loads_typed(stored) == value


def test_langgraphs_own_writes_keep_its_form(serializer: StateSerializer) -> None:
    stored = serializer.dump((Interrupt(value=(1,), id="i"), ValueError("x")), exact=False)

    assert serializer.loads_typed(stored) == [Interrupt(value=[1], id="i"), "ValueError('x')"]


class TestDecodingAsData:
    def test_objects_are_shown_by_type_without_importing_it(self) -> None:
        body = ormsgpack.packb(["never.imported", "Thing", {"a": 1}])

        assert decode_data("msgpack", ormsgpack.packb([ormsgpack.Ext(2, body)])) == [
            {"__type__": "never.imported.Thing", "a": 1}
        ]

    def test_builtin_values_are_shown_as_they_are(self, serializer: StateSerializer) -> None:
        kind, data = serializer.dumps_typed(
            {"n": 2**80, "s": "\ud800", "t": (1, 2), "c": Color.RED}
        )

        shown = decode_data(kind, data)

        assert shown["n"] == 2**80
        assert shown["s"] == "\ud800"
        assert shown["t"] == [1, 2]
        assert shown["c"] == {"__type__": f"{__name__}.Color", "value": "red"}

    @pytest.mark.parametrize("data", [b"", b"\xc1", b"\x91" * 5000])
    def test_damaged_bytes_raise(self, data: bytes) -> None:
        with pytest.raises(DamagedValue):
            decode_data("msgpack", data)


class TestCompression:
    def test_values_come_back(self) -> None:
        compressor = Compressor()

        for data in (b"", b"x", b"text " * 1000):
            assert compressor.decompress(*compressor.compress(data)) == data

    def test_a_frame_that_claims_too_much_is_refused_before_unpacking(self) -> None:
        bomb = zstandard.ZstdCompressor().compress(bytes(600 * 1024 * 1024))

        with pytest.raises(DamagedValue, match="claims"):
            Compressor().decompress(1, bomb)

    @pytest.mark.parametrize(("codec", "data"), [(1, b"no frame"), (9, b"x")])
    def test_bad_frames_and_unknown_codecs_are_refused(self, codec: int, data: bytes) -> None:
        with pytest.raises(DamagedValue):
            Compressor().decompress(codec, data)
