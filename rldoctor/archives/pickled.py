"""A pickle as a tree of plain data. Nothing in it is imported or called.

``pickle.loads`` is a small machine that calls whatever functions the file names. Here the same instructions are parsed
(:mod:`pickletools` of the standard library) and only written down: a call becomes a :class:`Part` with the name of
the function and its arguments. Readers take what they know from the tree and leave the rest.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The pickled settings of a model take kilobytes, the statistics of picture observations some 100 kB a picture.
_MAX_BYTES = 64 * 2**20
_MARK = object()


class PickleRefused(ValueError):
    """The bytes are no pickle, or one that holds something else than was asked for; the text says what."""


@dataclass(frozen=True)
class Global:
    """A class or function by its name; it is not imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Part:
    """An object as the pickle builds it.

    Attributes:
        made_by: The class or function that would be called.
        args: Its arguments.
        state: What the object's ``__setstate__`` or ``__dict__`` would be given; ``None`` for nothing.
        items: Pairs, or values alone, that would be added to it.
    """

    made_by: Any
    args: tuple[Any, ...]
    state: Any = None
    items: list[Any] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Dotted name of the class or function; empty where that is itself computed."""
        return str(self.made_by) if isinstance(self.made_by, Global) else ""

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The object's attributes, as far as its state is a dictionary with names as keys."""
        state = self.state[0] if isinstance(self.state, tuple) and len(self.state) == 2 else self.state
        return state if isinstance(state, dict) else {}


def read_pickle(content: bytes) -> Any:
    """Return the tree of a pickle: plain values, lists, tuples, sets, dictionaries, :class:`Global`, :class:`Part`.

    Lists, dictionaries and parts may occur several times in the tree, and in themselves: walk only what you know.

    Raises:
        PickleRefused: It is too large, damaged, or uses instructions that no saved model needs.
    """
    if len(content) > _MAX_BYTES:
        raise PickleRefused(f"it has {len(content):,} bytes, and at most {_MAX_BYTES:,} are read")
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                return machine.stack.pop()
            machine.do(opcode.name, argument)
    except PickleRefused:
        raise
    except Exception as error:
        # A file of a stranger's: an empty stack, a name that was never stored, a text that is no number.
        raise PickleRefused(f"it is damaged ({type(error).__name__})") from None
    raise PickleRefused("it ends too early")


class _Machine:
    """The stack and the memory that the instructions of a pickle work on."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}

    def do(self, name: str, argument: Any) -> None:
        if name in _NOTHING:
            return
        if name in _PUSHED:
            self.stack.append(_PUSHED[name](argument))
        elif name in _METHODS:
            _METHODS[name](self, argument)
        else:
            raise PickleRefused(f"it holds the instruction {name}")

    def marked(self) -> list[Any]:
        """Take everything above the last mark from the stack, and the mark."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise IndexError
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken

    def take(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def memoize(self, argument: Any) -> None:
        self.memory[len(self.memory) if argument is None else int(argument)] = self.stack[-1]

    def call(self, _argument: Any) -> None:
        function, args = self.take(2)
        if isinstance(function, Global) and function.name == "_function_setstate" and isinstance(args[0], Part):
            # cloudpickle fills in a function after it has made it.
            args[0].state = args[1]
        self.stack.append(Part(function, tuple(args)))

    def call_with_names(self, _argument: Any) -> None:
        function, args, names = self.take(3)
        self.stack.append(Part(function, (*args, dict(names))))

    def build(self, _argument: Any) -> None:
        state = self.stack.pop()
        part = self.stack[-1]
        if isinstance(part, Part):
            part.state = state

    def add(self, values: list[Any]) -> None:
        holder = self.stack[-1]
        if isinstance(holder, list):
            holder += values
        elif isinstance(holder, set):
            holder |= set(values)
        else:
            holder.items.extend(values)

    def set_items(self, values: list[Any]) -> None:
        pairs = list(zip(values[::2], values[1::2], strict=True))
        holder = self.stack[-1]
        if isinstance(holder, dict):
            holder.update(pairs)
        else:
            holder.items.extend(pairs)

    def pop(self, _argument: Any) -> None:
        self.stack.pop()


def _number(argument: Any) -> Any:
    return argument


_NOTHING = frozenset({"PROTO", "FRAME", "READONLY_BUFFER"})
_PUSHED: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"), _number),
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE"), _number),
    **dict.fromkeys(("BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), _number),
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "MARK": lambda _: _MARK,
    "EMPTY_LIST": lambda _: [],
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_DICT": lambda _: {},
    "EMPTY_SET": lambda _: set(),
    # pickletools joins module and name by a space.
    "GLOBAL": lambda argument: Global(*argument.split(" ", 1)),
}
_METHODS: Mapping[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"), _Machine.memoize),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda m, place: m.stack.append(m.memory[int(place)])),
    "STACK_GLOBAL": lambda m, _: m.stack.append(Global(*map(str, m.take(2)))),
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "NEWOBJ_EX": _Machine.call_with_names,
    "BUILD": _Machine.build,
    "POP": _Machine.pop,
    "POP_MARK": lambda m, _: m.marked().clear(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.marked())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.take(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.take(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.take(3))),
    "LIST": lambda m, _: m.stack.append(m.marked()),
    "DICT": lambda m, _: m.stack.append(_pairs(m.marked())),
    "FROZENSET": lambda m, _: m.stack.append(frozenset(m.marked())),
    "APPEND": lambda m, _: m.add(m.take(1)),
    "APPENDS": lambda m, _: m.add(m.marked()),
    "ADDITEMS": lambda m, _: m.add(m.marked()),
    "SETITEM": lambda m, _: m.set_items(m.take(2)),
    "SETITEMS": lambda m, _: m.set_items(m.marked()),
}


def _pairs(values: list[Any]) -> dict[Any, Any]:
    return dict(zip(values[::2], values[1::2], strict=True))


def array_of(value: Any) -> NDArray[Any]:
    """Return a NumPy array or number of a pickle's tree: booleans, integers and floats alone.

    Raises:
        PickleRefused: It is something else.
    """
    import numpy as np

    if isinstance(value, (bool, int, float)):
        return np.asarray(value)
    name = value.name.replace("numpy._core.", "numpy.core.") if isinstance(value, Part) else ""
    try:
        if name == "numpy.core.multiarray.scalar":
            return np.frombuffer(value.args[1], _dtype(value.args[0])).reshape(()).copy()
        if name == "numpy.core.multiarray._reconstruct":
            _, shape, dtype, by_columns, data = value.state
        elif name == "numpy.core.numeric._frombuffer":
            data, dtype, shape, order = value.args
            by_columns = order == "F"
        else:
            raise PickleRefused("it is no NumPy array")
        flat = np.frombuffer(data, _dtype(dtype))
        return flat.reshape(tuple(map(int, shape)), order="F" if by_columns else "C").copy()
    except PickleRefused:
        raise
    except Exception as error:
        raise PickleRefused(f"a NumPy array in it is damaged ({type(error).__name__})") from None


def _dtype(value: Any) -> Any:
    import numpy as np

    if not isinstance(value, Part) or value.name != "numpy.dtype":
        raise PickleRefused("it holds an array of unknown type")
    order = value.state[1] if value.state else "|"
    dtype = np.dtype(f"{order}{value.args[0]}" if order in ("<", ">") else str(value.args[0]))
    if dtype.kind not in "biuf":
        raise PickleRefused(f"it holds an array of type {dtype}")
    return dtype
