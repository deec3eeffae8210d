"""Things to steer: double integrator, linear-quadratic regulator, tracking over long episodes, a chemical plant."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from benchmarks.laboratory.environments.world import Moved, World


class DoubleIntegrator(World):
    """A mass on a rail to be brought to rest at zero by five thrusts; leaving the rail ends the episode."""

    name = "double-integrator"
    observation_size, action_size, discrete, horizon = 2, 5, True, 100
    ends = True

    def start(self) -> Tensor:
        return self.uniform(-1.0, 1.0, 2)

    def observe(self, state: Tensor) -> Tensor:
        return state

    def move(self, state: Tensor, action: Tensor) -> Moved:
        thrust = 0.5 * action - 1.0
        place, speed = state.unbind(-1)
        speed = speed + 0.1 * thrust
        place = place + 0.1 * speed
        over = place.abs() > 2.5
        reward = 1.0 - place**2 - 0.1 * speed**2 - 0.01 * thrust**2 - 20.0 * over
        return Moved(torch.stack((place, speed), -1), reward, over)


class Regulator(World):
    """Six coupled states, three actions, quadratic costs in the thousands (a linear-quadratic regulator)."""

    name = "regulator-6d-large-reward"
    observation_size, action_size, discrete, horizon = 6, 3, False, 60

    def __init__(self, trainings: int, envs: int) -> None:
        super().__init__(trainings, envs)
        drawn = torch.randn(6, 6, generator=torch.Generator().manual_seed(5))
        # Orthogonal, so neither stable nor unstable: states turn into each other and stay as large as they are.
        turn = torch.matrix_exp(0.3 * (drawn - drawn.T) / 2)
        self.turn = turn.T.contiguous()
        self.push = 0.3 * torch.linalg.qr(drawn)[0][:3].contiguous()

    def start(self) -> Tensor:
        return self.uniform(-1.0, 1.0, 6)

    def observe(self, state: Tensor) -> Tensor:
        return state

    def move(self, state: Tensor, action: Tensor) -> Moved:
        state = state @ self.turn + action.clamp(-1, 1) @ self.push + 0.02 * self.normal(6)
        reward = -1e4 * (state**2).mean(-1) - 100.0 * (action**2).mean(-1)
        return Moved(state, reward, self.never())


class Tracking(World):
    """Five hundred steps of following a point that wanders on two sine waves; nothing ends the episode."""

    name = "tracking-long"
    observation_size, action_size, discrete, horizon = 6, 2, False, 500

    def start(self) -> Tensor:
        drawn = self.uniform(-1.0, 1.0, 8)
        # Place, speed, two phases, and two angular speeds.
        drawn[..., 2:4] = 0.0
        drawn[..., 4:6] *= math.pi
        drawn[..., 6:] = 0.05 + 0.02 * drawn[..., 6:]
        return drawn

    def observe(self, state: Tensor) -> Tensor:
        place, speed, phase, pace = state.split(2, -1)
        return torch.cat((phase.sin() - place, 5.0 * speed, 10.0 * (phase.cos() * pace)), -1)

    def move(self, state: Tensor, action: Tensor) -> Moved:
        place, speed, phase, pace = state.split(2, -1)
        speed = 0.8 * speed + 0.06 * action.clamp(-1, 1)
        place, phase = place + speed, phase + pace
        distance = ((phase.sin() - place) ** 2).sum(-1)
        return Moved(torch.cat((place, speed, phase, pace), -1), torch.exp(-2.0 * distance), self.never())


class Plant(World):
    """Heat and pressure of a plant held at a set point under drift; its sensors have units of very different size."""

    name = "plant-mixed-units"
    observation_size, action_size, discrete, horizon = 4, 2, False, 120
    ends = True

    def start(self) -> Tensor:
        return self.uniform(-1.0, 1.0, 4)

    def observe(self, state: Tensor) -> Tensor:
        # Twenty degrees, a tenth of a bar, and both set points in their units.
        return state * torch.tensor([8.0, 0.2, 2.0, 0.5])

    def move(self, state: Tensor, action: Tensor) -> Moved:
        heat, pressure, want_heat, want_pressure = state.unbind(-1)
        heater, valve = action.clamp(-1, 1).unbind(-1)
        noise = 0.03 * self.normal(2)
        heat = heat + 0.15 * heater - 0.05 * heat + noise[..., 0]
        pressure = pressure + 0.15 * valve + 0.05 * heat - 0.05 * pressure + noise[..., 1]
        error = (heat - want_heat) ** 2 + (pressure - want_pressure) ** 2
        over = (heat.abs() > 4.0) | (pressure.abs() > 4.0)
        state = torch.stack((heat, pressure, want_heat, want_pressure), -1)
        return Moved(state, 10.0 - 10.0 * error - 1.0 * (heater**2 + valve**2) - 300.0 * over, over)
