"""`python -m remit.cli`."""

from remit.cli.commands import main

main()
