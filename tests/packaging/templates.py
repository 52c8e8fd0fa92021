#!/usr/bin/env python3
"""What `contract template` prints, held against the systems it is for: as printed, and filled in.

Called by tests/packaging/run. For each contract: Kubernetes by the schemas of several releases,
strictly; compose by its specification; systemd by `systemd-analyze verify`, which has to print
nothing; the env file by the shell and by the rules of `docker run --env-file`.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from report import FAILED, RELEASES, ok


def said(*command):
    """The status of a command and all that it prints."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def filled_kubernetes(text):
    return re.sub(r'^  # ("?[-\w.]+"?): ""$', r'  \1: "filled in"', text, flags=re.M)


def filled_compose(text):
    lines = r'^( *)# (secrets:|  - "?[-\w.]+"?|  "?[-\w.]+"?:|    file: \./secrets/[-\w.]+)$'
    return re.sub(lines, r"\1\2", text, flags=re.M)


def filled_systemd(text):
    text = re.sub(r"^# (LoadCredential=)([-\w.]+):$", r"\1\2:/etc/credstore/\2", text, flags=re.M)
    return re.sub(r"^# (Environment=\w+=)$", r"\1value", text, flags=re.M)


def filled_env(text):
    return re.sub(r"^# (\w+=)$", r"\1value", text, flags=re.M)


def kubernetes(label, text, keys):
    """A Secret with so many keys, valid for every release."""
    secret = yaml.safe_load(text)
    faults = []
    for release in RELEASES:
        try:
            kubernetes_validate.validate(secret, release, strict=True)
        except kubernetes_validate.ValidationError as fault:
            faults.append(f"{release}: {fault.message}")
    name = secret["metadata"]["name"]
    # What the API server asks beyond the schema (RFC 1123, keys of a Secret).
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name):
        faults.append(f"no name: {name}")
    data = secret["stringData"] or {}
    faults += [f"no key: {key}" for key in data if not re.fullmatch(r"[-._a-zA-Z0-9]+", str(key))]
    if len(data) != keys or not all(isinstance(key, str) for key in data):
        faults.append(f"{len(data)} keys of {keys}")
    ok(f"{label}: a Secret valid for Kubernetes {', '.join(RELEASES)}", not faults, "\n".join(faults))


def compose(label, text, keys, scratch):
    """A compose file with so many secrets."""
    path = scratch / "compose.yaml"
    path.write_text(text)
    status, words = said("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(path))
    secrets = yaml.safe_load(text).get("secrets", {})
    if len(secrets) != keys:
        status, words = 1, f"{len(secrets)} secrets of {keys}"
    ok(f"{label}: of the compose specification", status == 0, words)


def systemd(label, text, scratch):
    """A drop-in of a unit about which systemd has nothing to say."""
    if not shutil.which("systemd-analyze"):
        print("skipped: packaging: no systemd-analyze")
        return
    unit = scratch / "nexis-launch-template.service"
    drop_in = scratch / f"{unit.name}.d"
    shutil.rmtree(drop_in, ignore_errors=True)
    drop_in.mkdir()
    unit.write_text("[Unit]\nDescription=A service\n\n[Service]\nExecStart=/bin/true\n")
    (drop_in / "10-nexis-launch.conf").write_text(text)
    status, words = said("systemd-analyze", "verify", "--man=no", str(unit))
    ok(f"{label}: systemd has nothing to say", status == 0 and not words, f"{status} {words}")
    # And would, of a key that it does not know.
    (drop_in / "10-nexis-launch.conf").write_text(text + "LoadCredentials=x:/y\n")
    _, words = said("systemd-analyze", "verify", "--man=no", str(unit))
    ok(f"{label}: and would of a wrong key", "LoadCredentials" in words, words)


def env(label, text, names, scratch):
    """Lines that the shell and docker read alike."""
    path = scratch / "template.env"
    path.write_text(text)
    status, words = said("sh", "-n", str(path))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [line for line in lines if re.fullmatch(r"[A-Za-z_]\w*=\S*", line)]
    if len(found) != len(lines) or len({line.split("=")[0] for line in found}) != names:
        status, words = 1, f"{len(found)} of {len(lines)} lines, {names} names"
    ok(f"{label}: an env file of {names} names", status == 0, words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--launcher", required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("contract", nargs="+")
    options = parser.parse_args()
    scratch = options.scratch / "templates"
    scratch.mkdir()

    def template(form, contract):
        command = [options.launcher, "contract", "template", "--for", form, contract]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    for contract in options.contract:
        name = Path(contract).name
        command = [options.launcher, "contract", "show", "--format", "json", contract]
        shown = yaml.safe_load(subprocess.run(command, capture_output=True, check=True).stdout)
        rows = shown["variables"] + shown.get("parts", [])
        secrets = sum(row.get("secret", False) for row in rows)
        text = template("kubernetes", contract)
        kubernetes(f"{name} as printed", text, 0)
        kubernetes(f"{name} filled in", filled_kubernetes(text), secrets)
        text = template("compose", contract)
        compose(f"{name} as printed", text, 0, scratch)
        compose(f"{name} filled in", filled_compose(text), secrets, scratch)
        text = template("systemd", contract)
        systemd(f"{name} as printed", text, scratch)
        systemd(f"{name} filled in", filled_systemd(text), scratch)
        text = template("env", contract)
        env(f"{name} as printed", text, 0, scratch)
        env(f"{name} filled in", filled_env(text), len(rows), scratch)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
