"""Numbers of the observation do not wrap around.

What it does: looks for numbers of the observation that take at most 256 evenly spaced values, fill that range, and jump
across more than half of it from one step to the next; those that are declared as bytes count where the reward jumps
with them. It also looks for angles in [0, 2 pi) or [0, 360) that jump from one end to the other. Where a number may do
so, it plays on, also with actions that are held. Attributes of one or two bytes with a sign are watched for jumps from
one end of their range to the other.

Why it matters: a number that is cast to a byte and does not fit wraps around: 127 is followed by -128, and 0 by 255.
Two states that are alike look quite different, and two that differ look the same. An angle that jumps where it points
at the target does so just where control has to be finest.

What to do: scale the number before it is cast, or return it as ``float32``. Return the sine and the cosine of an angle.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, note, shortened, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import arrays
from rldoctor.preflight.probes.prediction import explained
from rldoctor.preflight.probes.views.overflow import overflowing
from rldoctor.preflight.probes.views.wide_view import WideView, look_wide

# A byte has 256 values, the largest 255 steps above the smallest. Random play of the three broken environments of
# tests/preflight/test_kinds_of_limits.py spans 252 to 255 of these steps; hours of a day span 23, whole degrees 358.
_MOST, _FEWEST = 255.5, 240.0
# Of the steps, how many jump across more than half of the range: 3 to 23 % in those three, none in their healthy twins.
_JUMPS = 0.01
# Evenly spaced, up to single precision of the spacing itself.
_EVEN = 1e-2
_STEPS = 100
_NUMBERS = 64
_TURNS = {2 * np.pi: "2 pi", 360.0: "360"}
# Of a turn: a jump from end to end, the largest step beside jumps, and how near to the ends counts as at them.
_JUMP, _STEP, _END = 0.75, 0.25, 0.05
# Of a byte's 256 values.
_BYTE_JUMP, _BYTE_STEP = 192.0, 64.0
# How much more of the rewards' variance a number explains that jumps than one that goes on.
_FOLLOWS = 0.02
# And how much of it that has to be: 0.18 in a game's memory, 1.00 of a store that overflows (both of the tests).
_TOLD = 0.5


@check(
    "ENV214",
    "observation-wraps",
    requires=("ENV201", "ENV202"),
    late=1,
    faults=("observation-wraps-around", "angle-jumps", "counter-overflows"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Look for numbers that jump across the range of a byte, or across a turn."""
    batch = context.batch
    overflows = overflowing(context.env, context.budget)
    for name, (last, next_one) in overflows.items():
        yield warning(
            "counter-overflows",
            f"self.{name} overflows: {last} is followed by {next_one}, while it changes by little in all other steps.",
            "Count in an int64, which NumPy's arrays have by default, and cast what is returned.",
            attributes=[name],
        )
    if overflows:
        return f"{len(overflows)} counters overflow"
    looked = moving = 0
    wrapping: dict[str, list[int]] = {}
    turning: dict[str, list[int]] = {}
    places = _places(context)
    together = np.diff(batch.episode) == 0
    long = len(batch.rewards) >= _STEPS
    # Bytes and angles may need longer to come to an end than the batch has steps.
    wider: list[tuple[str, int, int, float]] = []
    for key, space in context.boxes.items():
        if np.prod(space.shape) > _NUMBERS:
            continue
        rows = batch.observations[key].reshape(len(batch.rewards), -1).astype(float)
        is_byte = space.dtype in (np.uint8, np.int8)
        looked += rows.shape[1] if is_byte or long else 0
        for index, column in enumerate(rows.T):
            moving += bool(np.ptp(column) > 0)
            period = 256.0 if is_byte else _turn(column)
            if key in places and period and np.ptp(column) > 0:
                wider.append((key, index, places[key] + index, period))
            elif not is_byte and long and _wraps(column, together):
                wrapping.setdefault(key, []).append(index)
    if not looked and not wider:
        raise Skipped(
            "too few steps to see a range" if context.boxes and not long else "no observation of a few numbers"
        )
    view = look_wide(context) if wider else None
    for key, index, place, period in wider:
        if view is not None and period == 256.0 and _overflows(view, place):
            wrapping.setdefault(key, []).append(index)
        elif view is not None and period != 256.0 and _jumps(view, place, period):
            turning.setdefault(key, []).append(index)
    # One that turns, such as the byte of an encoder, may be meant.
    if sum(map(len, wrapping.values())) >= 0.5 * moving:
        for key, dimensions in wrapping.items():
            yield warning(
                "observation-wraps-around",
                f"{len(dimensions)} number{'s' if len(dimensions) > 1 else ''} of {key} ({shortened(dimensions)}) "
                f"jump{'' if len(dimensions) > 1 else 's'} from one end of the 256 values of a byte to the other.",
                "Look for a cast to int8 or uint8 of numbers that do not fit; return float32.",
                dimensions=dimensions[:32],
            )
    for key, dimensions in turning.items():
        index = dimensions[0]
        period = next(turn for name, place, _, turn in wider if (name, place) == (key, index))
        best = view is not None and _pays_at_the_ends(view, places[key] + index, period)
        yield (warning if best else note)(
            "angle-jumps",
            f"Dimension{'s' if len(dimensions) > 1 else ''} {shortened(dimensions)} of {key} jump"
            f"{'' if len(dimensions) > 1 else 's'} by {_TURNS[period]} between two steps"
            f"{', and rewards are highest where it does' if best else ''}: an angle in [0, {_TURNS[period]}).",
            "Return the sine and the cosine of the angle; an error of an angle may also be given in [-pi, pi).",
            dimensions=dimensions[:32],
        )
    return f"{looked} numbers looked at"


def _places(context: PreflightContext) -> dict[str, int]:
    """Return where the numbers of each part are in a flattened observation."""
    found, at = {}, 0
    for key, value in arrays(context.batch.raw[0]).items():
        if value.dtype.kind in "biuf":
            found[key] = at
            at += value.size
    return found


def _turn(column: FloatArray) -> float:
    """Return the turn of which a number may be an angle from 0 on, in its unit; 0 where it is none."""
    for period in _TURNS:
        if column.min() >= 0 and 0.5 * period < column.max() <= period * (1 + 1e-6):
            # Whole numbers are counts; whole degrees may turn on purpose, as an hour does.
            return 0.0 if np.array_equal(column, np.round(column)) else period
    return 0.0


def _crossings(view: WideView, place: int, period: float, jump: float, step: float) -> np.ndarray | None:
    """Return the steps that jump from one end to the other where all others are small, and these are beyond the end."""
    change = view.after[:, place] - view.before[:, place]
    jumps = np.abs(change) > jump
    usual = np.abs(change[~jumps])
    if not jumps.any() or not usual.size or usual.max() > step:
        return None
    beyond = np.abs((change[jumps] + period / 2) % period - period / 2)
    return jumps if beyond.max() <= usual.max() * (1 + 1e-3) else None


def _jumps(view: WideView, place: int, period: float) -> bool:
    column = view.after[:, place]
    within = column.min() >= 0 and column.max() <= period * (1 + 1e-6)
    return bool(within) and _crossings(view, place, period, _JUMP * period, _STEP * period) is not None


def _pays_at_the_ends(view: WideView, place: int, period: float) -> bool:
    """Return whether rewards are high at both ends of an angle: there a target is, of which it is the error."""
    column, rewards = view.after[:, place], view.rewards
    low, high = column < _END * period, column > (1 - _END) * period
    between = rewards[~low & ~high]
    if not low.any() or not high.any() or not between.size:
        return False
    return bool(min(rewards[low].mean(), rewards[high].mean()) > np.quantile(between, 0.75))


def _overflows(view: WideView, place: int) -> bool:
    """Return whether a byte wraps around and rewards follow it as it is, not as it would go on."""
    if _crossings(view, place, 256.0, _BYTE_JUMP, _BYTE_STEP) is None or not np.ptp(view.rewards) > 0:
        return False
    going_on = np.zeros((len(view.rewards), 2))
    for number in np.unique(view.episode):
        steps = np.flatnonzero(view.episode == number)
        whole = np.concatenate([view.before[steps[:1], place], view.after[steps, place]])
        unwrapped = np.unwrap(whole, period=256.0)
        going_on[steps] = np.column_stack([unwrapped[:-1], unwrapped[1:]])
    rest = np.delete(np.column_stack([view.before, view.after]), [place, view.before.shape[1] + place], axis=1)
    fits = [
        float(explained(np.column_stack([pair, rest, view.actions]), view.rewards[:, None])[0])
        for pair in (view.after[:, [place]], going_on[:, 1:])
    ]
    return fits[0] > max(fits[1] + _FOLLOWS, _TOLD)


def _wraps(column: FloatArray, together: np.ndarray) -> bool:
    """Return whether a number takes the values of a byte, nearly all of its range, and jumps across it."""
    values = np.unique(column)
    if len(values) < 2:
        return False
    gaps = np.diff(values)
    unit = float(gaps.min())
    levels = float(np.ptp(values)) / unit
    if not _FEWEST <= levels <= _MOST or np.abs(gaps / unit - np.round(gaps / unit)).max() > _EVEN:
        return False
    steps = np.abs(np.diff(column)[together])
    return bool(np.mean(steps > 0.5 * np.ptp(values)) >= _JUMPS)
