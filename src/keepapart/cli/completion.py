"""`keepapart completion`: what a shell needs to complete keepapart's commands."""

from __future__ import annotations

import argparse
import sys

from keepapart.errors import ExitCode

SUMMARY = "print the completion script of a shell"
EXAMPLES = """  keepapart completion bash > ~/.local/share/bash-completion/completions/keepapart
  keepapart completion zsh > ~/.zfunc/_keepapart
  keepapart completion fish > ~/.config/fish/completions/keepapart.fish"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish", "tcsh"))


def run(args: argparse.Namespace) -> ExitCode:
    """Print the script."""
    import shtab

    from keepapart.cli import VERBS
    from keepapart.cli._parser import build

    sys.stdout.write(shtab.complete(build(VERBS), shell=args.shell) + "\n")
    return ExitCode.OK
