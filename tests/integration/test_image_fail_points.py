"""Images: whatever fails while one comes or goes, and wherever the process dies, one line says so, and the next command makes it good."""
import harness
import pytest
from image_fail_points import LINES, image_points, image_walkers, walk_points  # noqa: F401, two are fixtures
from test_fail_points import every_point, first_of_their_kind
from test_fail_points import pytestmark as of_the_build

pytestmark = [*of_the_build, pytest.mark.root("layers hold files of others")]
each_line = pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)


@pytest.mark.timeout(300)
@each_line
def test_each_kind_of_point(image_walkers, image_points, line):
    before = [image_points[other.name] for other in LINES[: LINES.index(line)]]
    points = first_of_their_kind(image_points[line.name], *before)
    walk_points(image_walkers, line, points if harness.SANITIZED else points[::3])


@pytest.mark.full
@every_point
@pytest.mark.timeout(1200)
@each_line
def test_every_point(image_walkers, image_points, line):
    walk_points(image_walkers, line, image_points[line.name])
