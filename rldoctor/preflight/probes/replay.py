"""Plays one seed in a process of its own: ``python -m rldoctor.preflight.probes.replay ENV ARGUMENTS STEPS``."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from rldoctor.model import FloatArray, Json
from rldoctor.preflight.budget import OutOfTime

_MARK = "rldoctor-replay "


def replay(
    env_id: str, arguments: Mapping[str, Json], steps: int, hash_seeds: Sequence[int], seconds: float
) -> list[FloatArray] | None:
    """Play seed 0 in new processes, one for each of ``hash_seeds``, side by side.

    Args:
        env_id: What the processes make.
        arguments: What they make it with.
        steps: How many steps, with the actions of :func:`rldoctor.preflight.measurements.trajectory`.
        hash_seeds: Each process orders its sets, and computes ``hash`` of texts, by one of these.
        seconds: How long to wait.

    Returns:
        The trajectories; ``None`` where a process could not make or play the environment.

    Raises:
        OutOfTime: A process did not end in time.
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "rldoctor.preflight.probes.replay", env_id, json.dumps(arguments), str(steps)],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for seed in hash_seeds
    ]
    found = []
    try:
        for process in processes:
            printed, _ = process.communicate(timeout=seconds)
            # An environment may print, too.
            lines = [line for line in printed.splitlines() if line.startswith(_MARK)]
            if process.returncode or not lines:
                return None
            _, shape, data = lines[-1].split()
            found.append(np.frombuffer(zlib.decompress(base64.b64decode(data))).reshape(-1, int(shape)))
    except subprocess.TimeoutExpired:
        raise OutOfTime from None
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
    return found


def _main() -> None:
    from rldoctor.environments import registry
    from rldoctor.preflight.measurements import trajectory
    from rldoctor.preflight.probes.views.one_level import one_level

    env = one_level(registry.make_to_examine(sys.argv[1], **json.loads(sys.argv[2])))
    rows = trajectory(env, 0, int(sys.argv[3]))
    sys.stdout.write(f"\n{_MARK}{rows.shape[1]} {base64.b64encode(zlib.compress(rows.tobytes())).decode()}\n")


if __name__ == "__main__":
    _main()
