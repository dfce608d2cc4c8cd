"""`python -m panini_daemon`."""

from panini_daemon.cli import main

if __name__ == "__main__":
    main()
