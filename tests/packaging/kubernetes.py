#!/usr/bin/env python3
"""The kustomization and the Helm chart: rendered, held against the schemas of several Kubernetes
releases, against what their README promises, against the contract by the launcher's own gate, and
started.

Called by tests/packaging/run. The chart is linted, rendered and packaged by Helm's own engine; no
cluster is needed. With --gateway the container of each rendered pod is started in a
root directory of its own, with the pod's environment, user and volumes in the kubelet's layout.
"""

import argparse
import base64
import copy
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import yaml
from report import FAILED, RELEASES, ok

# What operators set in the chart.
VALUES = {
    "everything set": {
        "image": {"digest": "sha256:" + "0" * 64}, "imagePullSecrets": [{"name": "pull"}],
        "args": ["--port", "1"], "secrets": {"keys": ["jwt-secret"], "lookup": False},
        "launchLabels": {"commit": "d41773f"}, "podLabels": {"team": "a"},
        "podAnnotations": {"note": "b"}, "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "gateway", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}}, "networkPolicy": {"ingressFrom": [], "egress": []},
        "fingerprint": {"existingSecret": ""}, "preStopSleepSeconds": 0,
    },
    "policy and budget left out": {
        "podDisruptionBudget": {"enabled": False}, "networkPolicy": {"enabled": False},
    },
    "staging, features and settings of the launcher": {
        "mode": "staging", "secrets": {"keys": ["jwt-secret", "database-url", "openai-api-key"]},
        "env": {"NEXIS_PERSISTENCE_ENABLED": "true", "NEXIS_DEFAULT_PROVIDER": "openai",
                "NEXIS_LAUNCH_ENFORCE": "report", "NEXIS_HSTS_ENABLED": "true"},
    },
}


def documents(text):
    """The objects of a YAML stream."""
    return [document for document in yaml.safe_load_all(text) if document]


def one(objects, kind):
    """The object of a kind there is one of."""
    found = [it for it in objects if it["kind"] == kind]
    if len(found) != 1:
        raise ValueError(f"{len(found)} objects of kind {kind}")
    return found[0]


def strictly_valid(label, objects):
    """Every object, against every release."""
    for release in RELEASES:
        faults = []
        for item in objects:
            try:
                kubernetes_validate.validate(item, release, strict=True)
            except kubernetes_validate.ValidationError as fault:
                faults.append(f"{item['kind']}: {fault.message}")
        ok(f"{label}: {len(objects)} objects valid for Kubernetes {release}", not faults, faults)


def promises(label, objects):
    """What the README and the issue's list say of the pod, read from the rendered objects."""
    deployment = one(objects, "Deployment")
    spec = deployment["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    environment = {it["name"]: it.get("value") for it in container["env"]}
    own = container["securityContext"]
    image = container["image"]
    mounts = {it["name"]: it for it in container["volumeMounts"]}
    policy = one(objects, "NetworkPolicy")["spec"]
    selector = spec["selector"]["matchLabels"]
    checks = {
        "one container": len(pod["containers"]) == 1 and "initContainers" not in pod,
        "the launcher stands in the command":
            container["command"] == ["/usr/local/bin/nexis-launch", "run", "--"],
        "service links are off": pod["enableServiceLinks"] is False,
        "no token of the service account": pod["automountServiceAccountToken"] is False
            and one(objects, "ServiceAccount")["automountServiceAccountToken"] is False,
        "restricted: no root, no capability, no escalation, RuntimeDefault":
            own["runAsNonRoot"] and own["capabilities"] == {"drop": ["ALL"]}
            and own["allowPrivilegeEscalation"] is False
            and own["seccompProfile"] == {"type": "RuntimeDefault"}
            and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            and pod["securityContext"]["runAsUser"] > 0,
        "the root file system is read-only": own["readOnlyRootFilesystem"] is True,
        "old pods serve until new ones are ready":
            spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0,
        "findings become the termination message":
            container["terminationMessagePolicy"] == "FallbackToLogsOnError",
        "three probes": all(f"{it}Probe" in container for it in ("startup", "readiness", "liveness")),
        "no environment variable comes from a Secret": "envFrom" not in container
            and not any("secretKeyRef" in it.get("valueFrom", {}) for it in container["env"]),
        "volumes are mounted read-only": all(it["readOnly"] is True for it in mounts.values()),
        "secret files are for the group alone": all(
            it["secret"]["defaultMode"] == 0o440 for it in pod["volumes"] if "secret" in it),
        "the launcher inherits by contract": environment["NEXIS_LAUNCH_INHERIT"] == "contract",
        "the settings name what is mounted":
            environment["NEXIS_LAUNCH_SECRETS_DIR"] == mounts["secrets"]["mountPath"]
            and environment["NEXIS_LAUNCH_CONTRACT"].startswith(mounts["contract"]["mountPath"])
            and environment["NEXIS_LAUNCH_FINGERPRINT_KEY_FILE"].startswith(
                mounts["fingerprint"]["mountPath"]),
        "labels come from the downward API":
            "pod=$(POD_NAME),namespace=$(POD_NAMESPACE)" in environment["NEXIS_LAUNCH_LABELS"],
        "the image has a version": re.search(r":\d[\w.-]*$|@sha256:[0-9a-f]{64}$", image),
        "selectors select the pod": all(
            selector.items() <= spec["template"]["metadata"]["labels"].items()
            and other.items() <= spec["template"]["metadata"]["labels"].items()
            for other in (one(objects, "Service")["spec"]["selector"],
                          one(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
                          policy["podSelector"]["matchLabels"])),
        "traffic is limited in both directions": set(policy["policyTypes"]) == {"Ingress", "Egress"}
            and policy["ingress"] and policy["egress"],
    }
    faults = [name for name, holds in checks.items() if not holds]
    ok(f"{label}: {len(checks)} promises hold", not faults, faults)


def gate(label, options, objects, expected=(), own_contract=False):
    """What `check --deployment --strict` finds in the rendered objects, by codes and variables;
    held against the built-in contract, or against the one in the objects' ConfigMap."""
    contract = "builtin:nexis-gateway"
    if own_contract:
        contract = Path(options.scratch) / "gateway.yaml"
        contract.write_text(one(objects, "ConfigMap")["data"]["gateway.yaml"], encoding="utf-8")
    run = subprocess.run(
        [options.launcher, "check", "--strict", "--format", "json", "--contract", contract,
         "--deployment", "-"],
        input=yaml.safe_dump_all(objects).encode(), capture_output=True, timeout=30, check=False)
    if run.returncode not in (0, 78):
        ok(f"{label}", False, run.stderr.decode())
        return
    report = json.loads(run.stdout)
    found = [f"{it['code']} {it.get('variable', '')}".strip() for it in report["findings"]]
    holds = sorted(found) == sorted(expected) and run.returncode == (78 if expected else 0) \
        and report["unseen"] == [] and len(report["checked"]) == 1
    ok(label, holds, json.dumps(report, indent=1))


def gated(options, rendered):
    """The gate finds nothing in what is shipped, and finds what is planted in it."""
    for label, objects in rendered.items():
        gate(f"{label}: the gate finds nothing", options, objects)
        gate(f"{label}: nor by its own contract", options, objects, own_contract=True)
    for label, values in VALUES.items():
        gate(f"chart with {label}: the gate finds nothing", options, chart_of(options, values)[0])
    partly, _ = chart_of(options, {"secrets": {"keys": ["jwt-secret"]}})
    gate("chart: a key that its contract needs and that is not mounted is found", options, partly,
         ["missing-required NEXIS_ENCRYPTION_KEY"], own_contract=True)
    misspelt, _ = chart_of(options, {"env": {"NEXIS_LOG_LEVL": "info"}})
    gate("chart: a misspelt name among env is found", options, misspelt,
         ["unknown-variable NEXIS_LOG_LEVL"])
    without, _ = chart_of(options, {"env": {"NEXIS_CORS_ALLOW_ORIGINS": ""}})
    gate("chart: origins that are blank are found", options, without,
         ["blank-value NEXIS_CORS_ALLOW_ORIGINS"])
    for label, objects in rendered.items():
        past = copy.deepcopy(objects)
        template(past)["spec"]["containers"][0]["command"] = ["/opt/nexis/bin/nexis-gateway"]
        gate(f"{label}: a command past the launcher is found", options, past, ["launcher-missing"])
    if "kustomization" in rendered:
        renamed = copy.deepcopy(rendered["kustomization"])
        for item in renamed:
            if "jwt-secret" in item.get("data", {}):
                item["data"]["jwt-secert"] = item["data"].pop("jwt-secret")
        gate("kustomization: a misspelt key of the Secret is found", options, renamed,
             ["unknown-variable jwt-secert", "missing-required JWT_SECRET"])


def publish(volume, files, mode):
    """A volume as the kubelet makes it: one generation, and links through ..data."""
    generation = volume / "..2026_11_23_00_00_00.1"
    generation.mkdir(parents=True)
    volume.chmod(0o1777)
    for name, content in files.items():
        (generation / name).write_bytes(content)
        (generation / name).chmod(mode)
        os.chown(generation / name, 0, 65532)
        (volume / name).symlink_to(f"..data/{name}")
    (volume / "..data").symlink_to(generation.name)


def volumes_of(objects, given):
    """Each volume's files: of the rendered objects, else of those that are said to exist."""
    held = {}
    for item in objects:
        if item["kind"] == "Secret":
            held[item["metadata"]["name"]] = {
                key: base64.b64decode(value) for key, value in item["data"].items()}
        elif item["kind"] == "ConfigMap":
            held[item["metadata"]["name"]] = {
                key: value.encode() for key, value in item["data"].items()}
    held.update(given)
    pod = one(objects, "Deployment")["spec"]["template"]["spec"]
    volumes = {}
    for volume in pod["volumes"]:
        source = volume.get("secret") or volume["configMap"]
        name = source.get("secretName") or source["name"]
        volumes[volume["name"]] = (dict(held[name]), source["defaultMode"])
    return volumes


def start(options, objects, volumes):
    """Starts the pod's container as the kubelet and the runtime would; its status and output."""
    pod = one(objects, "Deployment")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    root = Path(options.scratch) / "pod"
    shutil.rmtree(root, ignore_errors=True)
    for source, place in ((options.launcher, "usr/local/bin/nexis-launch"),
                          (options.gateway, "opt/nexis/bin/nexis-gateway")):
        (root / place).parent.mkdir(parents=True)
        shutil.copy(source, root / place)
    for path, _, _ in os.walk(root):
        os.chmod(path, 0o755)
    for mount in container["volumeMounts"]:
        if mount["name"] in volumes:
            publish(root / mount["mountPath"].lstrip("/"), *volumes[mount["name"]])
    fields = {"metadata.name": "gateway-7c9", "metadata.namespace": "nexis", "spec.nodeName": "node-1"}
    environment = {"PATH": "/usr/local/bin", "HOSTNAME": "gateway-7c9"}
    for entry in container["env"]:
        value = entry.get("value")
        if value is None:
            value = fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        expand = re.compile(r"\$\((\w+)\)")
        environment[entry["name"]] = expand.sub(
            lambda found: environment.get(found[1], found[0]), value)

    context = pod["securityContext"]
    words = [shutil.which("chroot"), f"--userspec={context['runAsUser']}:{context['runAsGroup']}",
             f"--groups={context['fsGroup']}", str(root)]
    run = subprocess.run(words + container["command"] + container["args"] + ["exit", "42"],
                         env=environment, capture_output=True, timeout=30, check=False)
    return run.returncode, run.stdout.decode() + run.stderr.decode()


def launches(label, options, objects, given):
    """A pod runs, or it is refused and says why; in neither case is a value said."""
    volumes = volumes_of(objects, given)
    values = [it.strip().decode() for name in ("secrets", "fingerprint")
              for it in volumes[name][0].values()]

    def said(name, status, texts, changed):
        ended, output = start(options, objects, changed)
        silent = not any(value in output for value in values)
        holds = ended == status and silent and all(it in output for it in texts)
        ok(f"{label}: {name}", holds, f"status {ended}\n{output}" if silent else "a value is shown")

    said("the pod runs, with labels and fingerprints", 42,
         ["uid=65532 gid=65532", "env JWT_SECRET 64", "env NEXIS_ENCRYPTION_KEY 64",
          '"outcome":"exec"', '"pod":"gateway-7c9"', '"namespace":"nexis"', '"fingerprint":',
          '"name":"nexis-gateway-kubernetes"'], volumes)
    without = dict(volumes)
    without["secrets"] = ({key: value for key, value in volumes["secrets"][0].items()
                           if key != "jwt-secret"}, volumes["secrets"][1])
    said("a key that is missing is 78 and names the variable", 78,
         ['"code":"missing-required"', "JWT_SECRET", '"outcome":"refused"'], without)
    blank = dict(volumes)
    blank["secrets"] = (dict.fromkeys(volumes["secrets"][0], b"\n"), volumes["secrets"][1])
    said("blank keys are 78 and both are named", 78,
         ['"variable":"JWT_SECRET"', '"variable":"NEXIS_ENCRYPTION_KEY"'], blank)
    for name in ("secrets", "contract", "fingerprint"):
        left = {key: value for key, value in volumes.items() if key != name}
        said(f"without the volume {name} it is 66", 66, [], left)


def chart_of(options, values=None):
    """The chart's objects for the values."""
    with helm.Chart.load(options.chart) as chart:
        chart.validate_schema(values or {})
        texts = chart.render(values or {}, name="rel", namespace="nexis")
    notes = [text for name, text in texts.items() if name.endswith("NOTES.txt")]
    objects = []
    for name, text in texts.items():
        if not name.endswith(".txt"):
            objects += documents(text)
    return objects, "".join(notes)


def template(objects):
    """The pod template, whose change is what replaces pods."""
    return one(objects, "Deployment")["spec"]["template"]


def refused(options, values):
    """Whether the chart's schema refuses the values."""
    try:
        chart_of(options, values)
    except helm.HelmError:
        return True
    return False


def chart(options):
    """Lints, renders and packages the chart."""
    report = helm.lint(options.chart, strict=True, kube_version=f"v{RELEASES[-1]}.0")
    # Severity 1 is advice: the chart has no icon.
    faults = report["errors"] + [it for it in report["messages"] if it["severity"] >= 2]
    ok("chart: lint --strict", not faults, faults)
    objects, notes = chart_of(options)
    strictly_valid("chart", objects)
    promises("chart", objects)
    ok("chart: it holds no Secret", not any(it["kind"] == "Secret" for it in objects))
    ok("chart: the notes say where to look", "rollout status deployment/rel-nexis-gateway" in notes)
    package = helm.package(options.chart, destination=options.scratch)
    ok("chart: it packages", Path(package).name == "nexis-gateway-0.1.0.tgz", package)

    full, _ = chart_of(options, VALUES["everything set"])
    strictly_valid("chart with everything set", full)
    environment = {it["name"]: it.get("value") for it in template(full)["spec"]["containers"][0]["env"]}
    ok("chart: labels of the operator reach the manifest",
       environment["NEXIS_LAUNCH_LABELS"].endswith(",commit=d41773f"), environment)
    ok("chart: nobody reaches a gateway that nobody may reach",
       one(full, "NetworkPolicy")["spec"]["ingress"] == [])
    bare, _ = chart_of(options, VALUES["policy and budget left out"])
    ok("chart: policy and budget can be left out",
       not {"NetworkPolicy", "PodDisruptionBudget"} & {it["kind"] for it in bare})

    before = template(objects)
    again, _ = chart_of(options)
    ok("chart: the same values replace no pod", template(again) == before)
    for name, values in (("Secret", {"secrets": {"revision": "2"}}),
                         ("contract", {"contract": "version: 1\nname: other\n"})):
        after, _ = chart_of(options, values)
        ok(f"chart: a new {name} replaces the pods", template(after) != before)
    for name, values in {
            "a secret among env": {"env": {"JWT_SECRET": "x"}},
            "an alias of a secret among env": {"env": {"NEXIS_OPENAI_API_KEY": "x"}},
            "a URL with a password among env": {"env": {"DATABASE_URL": "x"}},
            "the tag latest": {"image": {"tag": "latest"}},
            "a value it does not know": {"replicas": 3},
            "an unknown mode": {"mode": "prod"},
            "root": {"runAsUser": 0},
            "no Secret": {"secrets": {"existingSecret": ""}}}.items():
        ok(f"chart: {name} is refused", refused(options, values))
    return objects


def kustomization(scratch):
    """The rendered kustomization, and what a rotation changes in it."""
    read = lambda name: documents((scratch / f"kustomize{name}.yaml").read_text(encoding="utf-8"))
    objects = read("")
    strictly_valid("kustomization", objects)
    promises("kustomization", objects)
    ok("kustomization: the same secrets replace no pod", template(read("-same")) == template(objects))
    ok("kustomization: a new secret replaces the pods",
       template(read("-rotated")) != template(objects))
    broken = yaml.safe_load(yaml.safe_dump(one(objects, "Deployment")))
    broken["spec"]["template"]["spec"]["enableServiceLink"] = False
    try:
        kubernetes_validate.validate(broken, RELEASES[-1], strict=True)
        ok("a misspelt field would be seen", False)
    except kubernetes_validate.ValidationError:
        ok("a misspelt field would be seen", True)
    return objects


def main():
    parser = argparse.ArgumentParser()
    for name in ("scratch", "chart", "launcher"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--gateway")
    options = parser.parse_args()
    scratch = Path(options.scratch)
    rendered = {}
    if (scratch / "kustomize-rotated.yaml").exists():
        rendered["kustomization"] = kustomization(scratch)
    rendered["chart"] = chart(options)
    gated(options, rendered)
    if options.gateway:
        key = lambda: secrets.token_hex(32).encode() + b"\n"
        given = {
            "nexis-gateway-secrets": {"jwt-secret": key(), "nexis-encryption-key": key()},
            "nexis-launch-fingerprint": {"fingerprint-key": key()},
        }
        for label, objects in rendered.items():
            launches(label, options, objects, given)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
