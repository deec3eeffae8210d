"""What is measured of an algorithm with a replay buffer, each once, when a check first asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rldoctor.preflight.check import NotRun, Skipped
from rldoctor.preflight.replay import as_in_training
from rldoctor.recipe import Recipe

if TYPE_CHECKING:
    import gymnasium

    from rldoctor.preflight.replay.stand_in import Machinery
    from rldoctor.preflight.replay.transitions import Returned
    from rldoctor.preflight.replay.updates import Directions, TargetMoves


class ExaminedReplay:
    """An algorithm that will be trained, on a stand-in for its environment.

    Args:
        make_model: Makes it on the vec env that it is given; ``None`` for the one of the recipe.
        recipe: What will be trained.
        env: The real environment, for its spaces.

    Each measurement raises ``Skipped`` where nothing with a replay buffer will be trained, and ``NotRun`` where
    ``make_model`` does not make one.
    """

    def __init__(self, make_model: Callable[..., Any] | None, recipe: Recipe | None, env: gymnasium.Env[Any, Any]):
        self._make_model = make_model
        self._recipe = recipe
        self._env = env
        self._failed = ""

    @cached_property
    def returned(self) -> Returned:
        """What the replay buffer gives back."""
        from rldoctor.preflight.replay.transitions import draw

        with as_in_training():
            return draw(self._machinery())

    @cached_property
    def target_moves(self) -> tuple[TargetMoves, ...]:
        """How the target networks follow their networks."""
        from rldoctor.preflight.replay.updates import follow_targets

        with as_in_training():
            return follow_targets(self._machinery())

    @cached_property
    def directions(self) -> Directions:
        """Which way updates go."""
        from rldoctor.preflight.replay.updates import find_directions

        with as_in_training():
            return find_directions(self._machinery())

    def _machinery(self) -> Machinery:
        """Return a new model, with a replay buffer full of steps that are known."""
        from rldoctor.preflight.replay.stand_in import NotMade, collect, maker_of

        make = self._make_model
        if make is None and self._recipe is not None and self._recipe.is_off_policy:
            make = maker_of(self._recipe)
        if make is None:
            raise Skipped("nothing with a replay buffer is trained")
        if self._failed:
            raise NotRun(self._failed)
        try:
            return collect(make, self._env.observation_space, self._env.action_space)
        except NotMade as problem:
            self._failed = str(problem)
            raise NotRun(self._failed) from None
