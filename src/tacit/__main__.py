"""``python -m tacit``, as ``torchrun -m tacit`` needs it."""

from tacit.cli.main import main

if __name__ == "__main__":
    main()
