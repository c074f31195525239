"""runc for runtimes that give every pod a negative oom_score_adj and cannot be told not to."""

from __future__ import annotations

from pathlib import Path

# A negative score needs CAP_SYS_RESOURCE, which containers and CI machines lack. The configuration of a container is
# in its bundle, which runc is named when it creates the container.
_SCRIPT = """#!/bin/sh
bundle=.
previous=
for argument in "$@"; do
  case $previous in --bundle | -b) bundle=$argument ;; esac
  previous=$argument
done
if [ -f "$bundle/config.json" ]; then
  sed -i 's/"oomScoreAdj": *-[0-9]*/"oomScoreAdj":0/' "$bundle/config.json"
fi
exec runc "$@"
"""


def runc_without_negative_scores(folder: Path) -> Path:
    script = folder / "runc"
    script.write_text(_SCRIPT)
    script.chmod(0o755)
    return script
