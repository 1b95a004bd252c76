"""`python -m netspec`, the same as `netspec`."""

from netspec.cli import main

if __name__ == "__main__":
    main()
