"""Forward what up to 0.3.0 was `python3 -m smallmail.acme`: certbot hooks that an admin has edited still say it."""
import sys

from smallmail.programs.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["deploy" if sys.argv[1:] == ["deploy"] else "certificate"]))
