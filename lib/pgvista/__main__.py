"""`python -m pgvista` is the `pgvista` command."""

from pgvista.cli import main

if __name__ == "__main__":
    main()
