"""``python -m rldoctor`` is the same as the command ``rldoctor``."""

from rldoctor.cli.app import main

if __name__ == "__main__":
    main()
