"""The page in a real browser: it finds, and it prints. Skipped where Chromium isn't installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from keepapart.report.html import write_page
from tests.report.audits import SHARED, Place, audit_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")


def browse(tmp_path: Path, url: str, *flags: str) -> str:
    """Return what the browser prints of a page."""
    home = f"--user-data-dir={tmp_path / 'browser'}"
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", home, *flags, url]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout


def shown(dom: str) -> list[str]:
    """Return the hosts that the page shows."""
    boxes: list[str] = re.findall(r'<article class="host[^>]*>', dom)
    return [box.split('data-host="')[1].split('"')[0] for box in boxes if "hidden" not in box]


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        ("", ["host-1", "host-2", "host-3", "host-4"]),
        ("web-2", ["host-1"]),
        ("10.0.0.4", ["host-3"]),
        ("HOST-2", ["host-2"]),
        ("web-1 web-2", ["host-1"]),
        ("nowhere", []),
    ],
)
def test_search_shows_what_was_asked_for(tmp_path: Path, words: str, hosts: list[str]) -> None:
    """By id, address or host, in any case; the page's own rules let its script run."""
    write_page(audit_of(SHARED), tmp_path / "page.html")
    dom = browse(tmp_path, f"file://{tmp_path}/page.html#search={words.replace(' ', '%20')}", "--dump-dom")
    assert 'class="search"' in dom
    assert shown(dom) == hosts


@pytest.mark.parametrize(
    ("where", "names", "pages"),
    [
        ([(k // 20, k // 2) for k in range(500)], "web-{}", 5),
        ([(0, k) for k in range(500)], "ip-10-87-117-{}.eu-west-1.compute.internal", 8),
        (SHARED, "web-{}", 2),
    ],
    ids=["racks", "long names", "five"],
)
def test_print_is_few_pages(tmp_path: Path, where: list[Place], names: str, pages: int) -> None:
    """Five hundred instances, unknown ones among them, fit on a handful of sheets."""
    ids = [names.format(k) for k in range(len(where))]
    write_page(audit_of(where, ids=ids, lost={ids[3]: "timed out"}), tmp_path / "page.html")
    pdf = tmp_path / "page.pdf"
    flags = ["--no-pdf-header-footer", f"--print-to-pdf={pdf}"]
    browse(tmp_path, f"file://{tmp_path}/page.html", *flags)
    assert 1 <= len(re.findall(rb"/Type /Page\b", pdf.read_bytes())) <= pages


@pytest.mark.parametrize("length", [56, 200], ids=["OpenStack's hostId", "absurd"])
def test_no_name_is_wider_than_the_page(tmp_path: Path, length: int) -> None:
    """A long name of a host or a member is broken: nothing lies over its neighbour or beside the page."""
    ids = [f"{k}{'n' * length}" for k in range(4)]
    audit = audit_of([(0, 0), (0, 0), (0, 1), (0, 1)], ids=ids)
    write_page(audit, tmp_path / "page.html")
    page = re.sub(r"<meta[^>]*Security-Policy[^>]*>", "", (tmp_path / "page.html").read_text())
    page = page.replace("host-1<", f"{'h' * length}<")
    page += "<script>document.title = document.documentElement.scrollWidth - innerWidth</script>"
    (tmp_path / "wide.html").write_text(page)
    dom = browse(tmp_path, f"file://{tmp_path}/wide.html", "--window-size=1000,800", "--dump-dom")
    over = re.search(r"<title>(-?\d+)</title>", dom)
    assert over
    assert int(over[1]) <= 0
