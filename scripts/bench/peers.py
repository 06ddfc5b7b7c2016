"""What the tool is measured beside: installed and built into target/bench where it is missing."""
import subprocess
import sys

from measure import HERE, ROOT, say, version_in

TARGET = ROOT / "target" / "bench"


def run(*command, **more):
    subprocess.run([str(part) for part in command], check=True, **more)


def said(*command):
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    return ran.stdout + ran.stderr


def have(program, package):
    """Makes a program of Debian's be there."""
    if subprocess.run(["which", program], stdout=subprocess.DEVNULL).returncode != 0:
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", package)
    return program


def stub(profile="release"):
    """Builds the vendor that always says yes, the bucket and the proxy."""
    run("cargo", "build", "--profile", profile, "--locked", "--quiet", "--target-dir", TARGET / "stub", cwd=HERE / "stub")
    return TARGET / "stub" / ("debug" if profile == "dev" else profile) / "stub"


def install():
    """Returns the peers by name: how each is called, and its version."""
    TARGET.mkdir(parents=True, exist_ok=True)
    say("installing peers")
    scan = TARGET / "yaml_scan"
    built = ["cc", "-O2", "-o", str(scan), str(HERE / "yaml_scan.c"), "-lyaml"]
    if subprocess.run(built, stderr=subprocess.DEVNULL).returncode != 0:
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "libyaml-dev")
        run(*built)
    no_sync = TARGET / "no_sync.so"
    run("cc", "-O2", "-shared", "-fPIC", "-o", no_sync, HERE / "no_sync.c")
    boon = TARGET / "bin" / "boon"
    if not boon.exists():
        run("cargo", "install", "--quiet", "--root", TARGET, "boon-cli")
    python = TARGET / "venv" / "bin" / "python"
    if not python.exists():
        run(sys.executable, "-m", "venv", TARGET / "venv")
    run(python, "-m", "pip", "install", "--quiet", "duckdb")
    pop_core = TARGET / "pop-core"
    if not (pop_core / "node_modules").exists():
        pop_core.mkdir(exist_ok=True)
        run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", pop_core, "@alicloud/pop-core@1")
    driver = pop_core / "pop_core.js"
    driver.write_text((HERE / "pop_core.js").read_text())
    run(ROOT / "scripts" / "sdk-venv", stdout=subprocess.DEVNULL)
    sdk = ROOT / "target" / "sdk-venv"
    have("wrk", "wrk")
    return {
        "scan": scan, "boon": boon, "python": python, "pop-core": ["node", driver], "Python SDK": [sdk / "bin" / "python", HERE / "python_sdk.py"], "wrk": "wrk", "stub": stub(), "no_sync": no_sync,
        "versions": {
            "libyaml": version_in(said("dpkg-query", "-W", "-f", "${Version}", "libyaml-dev")),
            "boon-cli": version_in(said(boon, "--version")),
            "DuckDB": version_in(said(python, "-c", "import duckdb; print(duckdb.__version__)")),
            "pop-core": version_in(said("node", "-p", f"require('{pop_core}/node_modules/@alicloud/pop-core/package.json').version")),
            "Node.js": version_in(said("node", "--version")),
            "alibabacloud-mpaas20201028": version_in(said(sdk / "bin" / "python", "-c", "from importlib.metadata import version; print(version('alibabacloud-mpaas20201028'))")),
            "wrk": version_in(said("wrk", "--version")),
        },
    }
