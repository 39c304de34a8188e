# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at every fault point of a run into BigQuery, whatever its name, then a run again: each way of
loading, append and replace, jobs that are done at once and jobs that still run at the restart.

A seeded part of the points is tried here, all of them in `make soak`."""

import pytest

from support.loading import CASES, Scene

def points_of(scene):
    """The points of a whole run, in their order; the rows arrive by it."""
    result = scene.bqferry.ok("run", fault="?", timeout=120)
    return [line.split()[-1] for line in result.stderr.splitlines() if line.startswith("fault point ")]


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("running", (False, True), ids=("done", "running"))
@pytest.mark.parametrize("way, load", CASES)
def test_killed_at_every_point(db, bqferry, google, fault_points, seed, soak, way, load, running):
    """Points are numbered as the run comes by them, so none can be forgotten."""
    scene = Scene(db, bqferry, google, way, load)
    points = points_of(scene)
    assert len(points) > 15 and len({name for name in points if name.startswith("bigquery.")}) > 2, points
    if running:  # still at work when somebody looks at them
        google.job_fault(seconds=0.6, count=0)
    numbers = range(1, len(points) + 1)
    for number in numbers if soak else sorted(seed.sample(numbers, 1 if running else 2)):
        scene.again()
        result = scene.killed(number)
        if result.killed:  # two workers may come by fewer points at times
            scene.made_good(f"point {number} of {len(points)}: {result.stderr}")
