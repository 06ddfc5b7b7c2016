"""Many campaign files: `validate`, and `plan` where there is nothing to do."""
import subprocess
import sys

from measure import HERE, Job, medians, say, tool


def workspace(place, files):
    subprocess.run([sys.executable, HERE / "workspace.py", place, str(files)], check=True)


def files_table(binary, scratch, sizes, runs, peers):
    figures = {}
    for files in sizes:
        place = scratch / f"files-{files}"
        workspace(place, files)
        tool(binary, "apply", "--auto-approve", cwd=place)
        jobs = [Job("validate", [binary, "validate"], place), Job("plan", [binary, "plan"], place)]
        if peers:
            listed = sorted(str(path) for path in (place / "campaigns").glob("*/*.yaml"))
            schema = place / "campaigns.schema.json"
            schema.write_bytes(tool(binary, "schema", "campaign", cwd=place))
            jobs += [Job("libyaml scan", [peers["scan"], *listed], place),
                     Job("boon-cli", [peers["boon"], "-q", schema, *listed], place)]
        figures[files] = medians(jobs, runs)
        say(f"{files} files measured")
    return figures


def start_table(binary, scratch, runs):
    """How long nothing takes: the version, and the plan of one campaign."""
    place = scratch / "single"
    workspace(place, 1)
    return medians([Job("version", [binary, "--version"], place), Job("plan of one", [binary, "plan"], place)], 5 * runs)
