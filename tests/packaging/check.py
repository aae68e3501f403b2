"""What cargo binstall would fetch is there, the image is built of all that the program is, and the SBOM is one.

    check.py DEPENDENCIES VERSION ASSETS SBOM TARGET…

DEPENDENCIES: the .d file of the program, as cargo writes it.
"""

import json
import re
import sys
import tarfile
import tomllib
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]


def binstall(version: str, assets: Path, targets: list[str]) -> None:
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
    metadata = package["metadata"]["binstall"]
    for target in targets:
        values = {
            "repo": "https://github.example/my-org/jules-batch",
            "name": package["name"],
            "version": version,
            "target": target,
            "bin": "jules-batch",
            "binary-ext": "",
        }
        url, member = (
            re.sub(r"\{ ([a-z-]+) \}", lambda found: values[found[1]], metadata[key]) for key in ("pkg-url", "bin-dir")
        )
        folder, archive = url.rsplit("/", 1)
        assert folder == f"{values['repo']}/releases/download/v{version}", url
        assert (metadata["pkg-fmt"], archive.endswith(".tar.gz")) == ("tgz", True), archive
        with tarfile.open(assets / archive) as opened:
            assert opened.getmember(member).mode & 0o111, f"{member} cannot be run"


def image(dependencies: Path) -> None:
    """Whatever the compiler read of the repository is in the context of the image."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    kept = [line[1:] for line in lines if line.startswith("!")]
    read = [Path(path) for path in dependencies.read_text().split(": ", 1)[1].split()]
    read = [path.relative_to(ROOT) for path in read if path.is_relative_to(ROOT)]
    assert len(read) > 100, read
    missing = [str(path) for path in read if not any(path.match(one) or path.is_relative_to(one) for one in kept)]
    assert not missing, f".dockerignore keeps these from the image: {missing}"


def sbom(path: Path, version: str) -> None:
    text = path.read_text()
    found = json.loads(text)
    invalid = JsonStrictValidator(SchemaVersion.from_version(found["specVersion"])).validate_str(text)
    assert invalid is None, invalid
    described = found["metadata"]["component"]
    assert (described["name"], described["version"]) == ("jules-batch", version), described
    names = {component["name"] for component in found["components"]}
    assert {"rusqlite", "reqwest", "jules", "libsqlite3-sys"} <= names, names
    # Only what is for tests.
    assert not {"proptest", "insta", "criterion"} & names, names
    assert str(ROOT) not in text, "the SBOM tells where it was made"


if __name__ == "__main__":
    dependencies, version, assets, bom, *targets = sys.argv[1:]
    assert len(targets) == 4, targets
    binstall(version, Path(assets), targets)
    image(Path(dependencies))
    sbom(Path(bom), version)
    print(f"cargo binstall finds {len(targets)} archives; the image's context and the SBOM are whole")
