"""The settings of an off-policy recipe fit its length, its episodes and the memory of the machine.

What it does: counts the updates that the recipe makes after learning_starts, compares learning_starts with the length
of an episode where goals are relabelled, asks whether the target network is ever updated, and computes what the full
replay buffer takes.

Why it matters: SB3's buffer of a million transitions is made before the first step; of pictures it is hundreds of
gigabytes. A learning_starts beyond the last step trains nothing, and the curves look like those of a hard task.

What to do: change the setting that the finding names.
"""

from __future__ import annotations

from rldoctor.model import Json
from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.recipe import Recipe

# Ours: no reference of ours learns its task with fewer than 3,000 updates (reference_curves/).
_FEWEST_UPDATES = 500
# Ours: as much of a training without learning is a waste; the references wait for a tenth at most.
_LONGEST_WAIT = 0.5
# Ours: of the machine's memory, so that the training itself has room.
_MOST_MEMORY = 0.8


@check(
    "ENV516",
    "replay-budget",
    Group.LEARNING,
    faults=(
        "learning-never-starts",
        "learning-starts-late",
        "hindsight-starts-early",
        "updates-few",
        "target-never-updated",
        "replay-memory-exceeded",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Count updates and bytes."""
    from rldoctor.machine import memory_gib
    from rldoctor.preflight.replay.memory import buffer_bytes

    recipe = context.recipe
    if recipe is None or not recipe.is_off_policy:
        raise Skipped("no recipe with a replay buffer is trained")
    total, starts = recipe.total_steps, _whole(recipe.setting("learning_starts"))
    updates = updates_of(recipe)
    if starts >= total:
        message = f"learning_starts is {starts:,}, and the training ends after {total:,} steps: nothing is learned."
        yield error(
            "learning-never-starts", message, f"Set learning_starts to at most {total // 10:,}.", observed=starts
        )
    elif starts > _LONGEST_WAIT * total:
        message = f"Learning begins at step {starts:,} of {total:,}."
        yield warning("learning-starts-late", message, f"Set learning_starts to {total // 10:,}.", observed=starts)
    elif updates < _FEWEST_UPDATES:
        message = f"The recipe makes {updates:,} updates in all."
        remedy = "Raise gradient_steps or total_steps, or lower train_freq."
        yield warning("updates-few", message, remedy, observed=updates, expected=_FEWEST_UPDATES)
    needed = recipe.n_envs * (context.horizon or 0)
    if recipe.setting("her") and starts < needed and starts < total:
        message = (
            f"Hindsight replay needs a whole episode, which is {needed:,} steps of {recipe.n_envs} environments; "
            f"learning_starts is {starts:,}."
        )
        yield error("hindsight-starts-early", message, f"Set learning_starts to {needed:,} or more.", observed=starts)
    every = _whole(recipe.setting("target_update_interval"))
    # DQN counts environment steps, SAC gradient steps.
    if every > (total if recipe.algorithm == "dqn" else max(updates, 1)):
        message = f"target_update_interval is {every:,}: the target network is never updated."
        yield error("target-never-updated", message, "Lower it to a hundredth of that.", observed=every)
    size = buffer_bytes(recipe, context.env.observation_space, context.env.action_space) / 2**30
    memory = memory_gib()
    if memory is not None and size > _MOST_MEMORY * memory:
        message = f"The full replay buffer takes {size:,.1f} GiB; the machine has {memory:,.1f} GiB."
        fits = int(_whole(recipe.setting("buffer_size")) * 0.5 * memory / size)
        remedy = f"Lower buffer_size to {fits:,}, or store smaller observations."
        yield error("replay-memory-exceeded", message, remedy, observed=round(size, 1), expected=round(memory, 1))
    return f"{updates:,} updates, buffer {size:.2g} GiB"


def updates_of(recipe: Recipe) -> int:
    """Return the gradient steps of a whole training."""
    rollout = max(1, recipe.rollout_steps)
    each = _whole(recipe.setting("gradient_steps"))
    learning = max(0, recipe.total_steps - _whole(recipe.setting("learning_starts")))
    # SB3 takes -1 for as many as environment steps were taken.
    return learning // rollout * (each if each >= 0 else rollout)


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0
