"""Names that environments use for the same thing in ``info``."""

SUCCESS = (
    *("success", "succeeded", "is_solved", "solved", "task_success", "task_solved", "goal_achieved", "goal_reached"),
    *("reached_goal", "at_goal", "is_goal", "achieved", "is_achieved", "completed", "task_completed", "arrived"),
    *("arrive_dest", "reached", "Success", "isSuccess", "is_successful", "win", "won"),
)
"""Names of a success flag other than ``is_success``, the one that Stable-Baselines3 logs."""
