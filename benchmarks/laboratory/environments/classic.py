"""Gymnasium's classic control, as tensors: CartPole-v1, Acrobot-v1, Pendulum-v1 and both mountain cars.

A test holds each to Gymnasium's own, step by step.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from benchmarks.laboratory.environments.world import Moved, World


class CartPole(World):
    """CartPole-v1."""

    name = "cartpole"
    observation_size, action_size, discrete, horizon = 4, 2, True, 500
    ends = True

    def start(self) -> Tensor:
        return self.uniform(-0.05, 0.05, 4)

    def observe(self, state: Tensor) -> Tensor:
        return state

    def move(self, state: Tensor, action: Tensor) -> Moved:
        x, x_dot, theta, theta_dot = state.unbind(-1)
        force = action * 20.0 - 10.0
        cos, sin = theta.cos(), theta.sin()
        temp = (force + 0.05 * theta_dot**2 * sin) / 1.1
        theta_acc = (9.8 * sin - cos * temp) / (0.5 * (4.0 / 3.0 - 0.1 * cos**2 / 1.1))
        x_acc = temp - 0.05 * theta_acc * cos / 1.1
        state = torch.stack(
            (x + 0.02 * x_dot, x_dot + 0.02 * x_acc, theta + 0.02 * theta_dot, theta_dot + 0.02 * theta_acc), -1
        )
        over = (state[..., 0].abs() > 2.4) | (state[..., 2].abs() > 12 * 2 * math.pi / 360)
        return Moved(state, torch.ones(self.shape), over)


class Acrobot(World):
    """Acrobot-v1: the equations of Sutton and Barto's book, by one Runge-Kutta step of 0.2 s."""

    name = "acrobot"
    observation_size, action_size, discrete, horizon = 6, 3, True, 500
    ends = True

    def start(self) -> Tensor:
        return self.uniform(-0.1, 0.1, 4)

    def observe(self, state: Tensor) -> Tensor:
        angles, speeds = state[..., :2], state[..., 2:]
        return torch.cat((torch.stack((angles.cos(), angles.sin()), -1).flatten(-2), speeds), -1)

    def move(self, state: Tensor, action: Tensor) -> Moved:
        torque = action - 1.0
        k1 = _acrobot(state, torque)
        k2 = _acrobot(state + 0.1 * k1, torque)
        k3 = _acrobot(state + 0.1 * k2, torque)
        k4 = _acrobot(state + 0.2 * k3, torque)
        state = state + 0.2 / 6.0 * (k1 + 2 * k2 + 2 * k3 + k4)
        angles = torch.remainder(state[..., :2] + math.pi, 2 * math.pi) - math.pi
        speeds = torch.stack(
            (
                state[..., 2].clamp(-4 * math.pi, 4 * math.pi),
                state[..., 3].clamp(-9 * math.pi, 9 * math.pi),
            ),
            -1,
        )
        over = -angles[..., 0].cos() - (angles[..., 0] + angles[..., 1]).cos() > 1.0
        return Moved(torch.cat((angles, speeds), -1), over.float() - 1.0, over)


def _acrobot(state: Tensor, torque: Tensor) -> Tensor:
    """Return the time derivative; masses and lengths of 1, centres of mass at 0.5, moments of inertia of 1."""
    a1, a2, v1, v2 = state.unbind(-1)
    cos2, sin2 = a2.cos(), a2.sin()
    d1 = 3.5 + cos2
    d2 = 1.25 + 0.5 * cos2
    phi2 = 4.9 * (a1 + a2 - math.pi / 2).cos()
    phi1 = -0.5 * v2**2 * sin2 - v2 * v1 * sin2 + 14.7 * (a1 - math.pi / 2).cos() + phi2
    acc2 = (torque + d2 / d1 * phi1 - 0.5 * v1**2 * sin2 - phi2) / (1.25 - d2**2 / d1)
    acc1 = -(d2 * acc2 + phi1) / d1
    return torch.stack((v1, v2, acc1, acc2), -1)


class Pendulum(World):
    """Pendulum-v1; actions of [-1, 1] are torques of [-2, 2]."""

    name = "pendulum"
    torque = 2.0
    observation_size, action_size, discrete, horizon = 3, 1, False, 200

    def start(self) -> Tensor:
        return self.uniform(-1.0, 1.0, 2) * torch.tensor([math.pi, 1.0])

    def observe(self, state: Tensor) -> Tensor:
        angle, speed = state.unbind(-1)
        return torch.stack((angle.cos(), angle.sin(), speed), -1)

    def move(self, state: Tensor, action: Tensor) -> Moved:
        angle, speed = state.unbind(-1)
        torque = self.torque * action[..., 0].clamp(-1, 1)
        upright = torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
        costs = upright**2 + 0.1 * speed**2 + 0.001 * torque**2
        speed = (speed + (15.0 * angle.sin() + 3.0 * torque) * 0.05).clamp(-8, 8)
        return Moved(torch.stack((angle + 0.05 * speed, speed), -1), -costs, self.never())


class HeldAcrobot(Acrobot):
    """Acrobot-v1 whose actions hold for three steps, which PPO learns in some 20,000 steps."""

    name, horizon, held = "acrobot-held", 170, 3


class StrongPendulum(Pendulum):
    """Pendulum-v1 with a stronger motor, which still has to swing, and actions that hold for two steps."""

    name, horizon, held, torque = "pendulum-strong", 100, 2, 4.0


class MountainCar(World):
    """MountainCar-v0."""

    name = "mountain-car"
    observation_size, action_size, discrete, horizon = 2, 3, True, 200
    ends = True

    def start(self) -> Tensor:
        state = self.uniform(-0.6, -0.4, 2)
        state[..., 1] = 0.0
        return state

    def observe(self, state: Tensor) -> Tensor:
        return state

    def move(self, state: Tensor, action: Tensor) -> Moved:
        state = _roll(state, (action - 1.0) * 0.001)
        return Moved(state, torch.full(self.shape, -1.0), state[..., 0] >= 0.5)


class MountainCarContinuous(MountainCar):
    """MountainCarContinuous-v0."""

    name = "mountain-car-continuous"
    observation_size, action_size, discrete, horizon = 2, 1, False, 999

    def move(self, state: Tensor, action: Tensor) -> Moved:
        force = action[..., 0]
        state = _roll(state, force.clamp(-1, 1) * 0.0015)
        over = (state[..., 0] >= 0.45) & (state[..., 1] >= 0)
        return Moved(state, over * 100.0 - 0.1 * force**2, over)


def _roll(state: Tensor, push: Tensor) -> Tensor:
    place, speed = state.unbind(-1)
    speed = (speed + push - 0.0025 * (3 * place).cos()).clamp(-0.07, 0.07)
    place = (place + speed).clamp(-1.2, 0.6)
    # The left wall stops the car.
    return torch.stack((place, torch.where((place <= -1.2) & (speed < 0), 0.0, speed)), -1)


class ShapedCar(MountainCar):
    """MountainCar-v0 made learnable in some 30,000 steps: each action holds for four, and gained energy is paid for."""

    name = "mountain-car-shaped"
    horizon, has_success = 60, True

    def observe(self, state: Tensor) -> Tensor:
        return (state - torch.tensor([-0.5, 0.0])) * torch.tensor([2.0, 20.0])

    def move(self, state: Tensor, action: Tensor) -> Moved:
        before = _energy(state)
        over = self.never()
        for _ in range(4):
            state = torch.where(over[..., None], state, _roll(state, (action - 1.0) * 0.001))
            over = over | (state[..., 0] >= 0.5)
        return Moved(state, 2.0 * (_energy(state) - before) - 0.25 + over * 5.0, over, over)


class ShapedContinuousCar(ShapedCar):
    """MountainCarContinuous-v0, likewise."""

    name = "mountain-car-continuous-shaped"
    observation_size, action_size, discrete, horizon = 2, 1, False, 60
    ends = True

    def move(self, state: Tensor, action: Tensor) -> Moved:
        before = _energy(state)
        force = action[..., 0].clamp(-1, 1)
        over = self.never()
        for _ in range(4):
            state = torch.where(over[..., None], state, _roll(state, force * 0.0015))
            over = over | (state[..., 0] >= 0.45)
        return Moved(state, 20.0 * (_energy(state) - before) - 0.4 * force**2 + over * 100.0, over, over)


def _energy(state: Tensor) -> Tensor:
    """Return height and speed as one number, 0 at rest in the valley and about 1 at the top."""
    place, speed = state.unbind(-1)
    return 0.5 * ((3 * place).sin() + 1.0) + 0.5 * (speed / 0.0408) ** 2
