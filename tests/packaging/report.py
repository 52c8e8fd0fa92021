"""Lines of a report, as tests/packaging/run counts them."""

# The releases of Kubernetes whose schemas are asked.
RELEASES = ["1.30", "1.32", "1.34", "1.37"]
FAILED = []


def ok(name, holds, why=""):
    """One line of the report."""
    print(f"{'ok  ' if holds else 'FAIL'} {name}")
    if not holds:
        FAILED.append(name)
        if why:
            print("     | " + str(why).replace("\n", "\n     | "))
