"""Trainings with other libraries: each module records the runs of one of them.

Each library needs its own virtual environment; the first lines of each module say what to install. Install PyTorch's CPU
build first (pip install torch==2.13.0), so that no other package selects another build.
"""
