"""Trainings with other libraries than ours: each module remakes the recorded runs of one of them.

Every library has an environment of its own; the first lines of each module say what to install. PyTorch's CPU build
comes first (pip install torch==2.13.0), so that nothing else chooses another one.
"""
