"""`keepapart completion`: what a shell needs to complete keepapart's commands."""

from __future__ import annotations

import argparse
import sys

from keepapart.errors import ExitCode

SUMMARY = "print the completion script of a shell"
EXAMPLES = """  keepapart completion bash > ~/.local/share/bash-completion/completions/keepapart
  keepapart completion zsh > ~/.zfunc/_keepapart
  keepapart completion fish > ~/.config/fish/completions/keepapart.fish"""

SHELLS = ("bash", "zsh", "fish", "tcsh")
FILES = ("FILE", "PATH", "WORLD")  # the names, in the help, of what is a file or a folder


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run(args: argparse.Namespace) -> ExitCode:
    """Print the script."""
    import shtab

    from keepapart.cli import VERBS
    from keepapart.cli._parser import build, within
    from keepapart.exports import formats

    parser = build(VERBS)
    for each in (parser, *within(parser), *(inner for verb in within(parser) for inner in within(verb))):
        for action in each._actions:
            if action.metavar in FILES:  # without this, a shell offers no file where a script completes
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.metavar == "FORMAT":
                action.choices = tuple(formats())
    sys.stdout.write(shtab.complete(parser, shell=args.shell) + "\n")
    return ExitCode.OK
