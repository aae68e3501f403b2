"""Reads the published schemas as Python's validators do, with their defaults: schemas.py ROOT REPORT.json…"""

import json
import pathlib
import subprocess
import sys

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import validator_for

ROOT = pathlib.Path(sys.argv[1]).resolve()
REPORTS = [pathlib.Path(path) for path in sys.argv[2:]]
MANIFESTS = [ROOT / "jobs.example.yaml", ROOT / "tests/fixtures/manifests/good/every-key.yaml"]


def command(*arguments):
    program = [sys.executable, "-m", "check_jsonschema", *map(str, arguments)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    for name in ("manifest", "report", "notice"):
        path = ROOT / f"schemas/{name}.schema.json"
        schema = json.loads(path.read_text())
        kind = validator_for(schema)
        assert kind is Draft202012Validator, kind
        kind.check_schema(schema, format_checker=FormatChecker())
        assert command("--check-metaschema", path) == (0, "ok -- validation done\n")
    report = ROOT / "schemas/report.schema.json"
    validator = Draft202012Validator(json.loads(report.read_text()), format_checker=FormatChecker())
    for path in REPORTS:
        validator.validate(json.loads(path.read_text()))
        assert command("--schemafile", report, path)[0] == 0, path
    manifest = ROOT / "schemas/manifest.schema.json"
    for path in MANIFESTS:
        code, said = command("--schemafile", manifest, path)
        assert code == 0, (path, said)
    for name in ("unknown-key", "wrong-type", "wrong-shape", "missing-jobs"):
        code, said = command("--schemafile", manifest, ROOT / f"tests/fixtures/manifests/bad/{name}.yaml")
        assert code == 1, (name, said)
    print(f"schemas: jsonschema and check-jsonschema take both with their defaults, {len(REPORTS)} reports and the manifests")


main()
