"""Forward what up to 0.3.0 was `python3 -m smallmail.ready DAEMON`, for units loaded before the upgrade."""
import sys

from smallmail.programs.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["ready"] + sys.argv[1:]))
