"""The page in a real browser, at three sizes, light and dark: live, with history and every pair's story."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.report.audits import APART, SHARED, audit_of
from tests.watch.bench import Bench, answering
from tests.watch.test_drift import BECAUSE, migrated

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")

SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
SPREAD, TOGETHER = audit_of(APART), audit_of(SHARED, lost={"web-5": "timed out"})
FACTS = [{"zone": "eu-1a"}] * 5


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser that Debian has."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a page that complains of nothing: no error of its script, none of its policy."""
    context = browser.new_context()
    opened, complaints = context.new_page(), []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield opened
    context.close()
    assert not complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_every_screen(browser: Browser, tmp_path: Path, size: str, scheme: str) -> None:
    """Nothing is wider than the screen, and the colours are those that the user wants."""
    bench = Bench(tmp_path, [SPREAD, audit_of(SHARED, facts=FACTS)])
    bench.once()
    width, height = SIZES[size]
    with answering(bench) as url:
        context = browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": height},
        )
        page = context.new_page()
        page.goto(url)
        expect(page.locator("#answer")).to_have_attribute("data-tone", "bad")
        expect(page.locator("#stated tr")).to_have_count(5)
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(22, 24, 28)" if scheme == "dark" else "rgb(246, 245, 242)")
        context.close()


def test_a_label_that_no_longer_matches_is_shown(page: Page, tmp_path: Path) -> None:
    """In words, and counted at the audit where it began."""
    bench = migrated(tmp_path)
    with answering(bench) as url:
        page.goto(url)
        expect(page.locator("#differ li")).to_have_text(re.compile(re.escape(BECAUSE)))
        expect(page.locator("#audits button", has_text="differ")).to_have_count(1)


def test_the_next_audit_is_shown_when_it_is_there(page: Page, tmp_path: Path) -> None:
    """Without a reload; and what changed is told."""
    bench = Bench(tmp_path, [SPREAD, TOGETHER])
    with answering(bench) as url:
        page.goto(url)
        expect(page.locator("#answer")).to_have_attribute("data-tone", "good")
        bench.go_on()
        expect(page.locator("#answer")).to_have_attribute("data-tone", "bad")
        expect(page.locator('[data-host="host-1"] .chip')).to_have_count(2)
        expect(page.locator("#news")).to_contain_text("web-1 shares a host with web-2")
        expect(page.locator(".apart")).to_contain_text("timed out")


def test_the_history_can_be_gone_through(page: Page, tmp_path: Path) -> None:
    """Each audit as it was then, and back to now."""
    bench = Bench(tmp_path, [SPREAD, SPREAD, audit_of(SHARED)])
    bench.once(2)
    with answering(bench) as url:
        page.goto(url)
        expect(page.locator("#answer")).to_have_attribute("data-tone", "bad")
        page.locator("#audits button").first.click()
        expect(page.locator("#answer")).to_have_attribute("data-tone", "good")
        expect(page.locator("#then")).to_be_visible()
        page.get_by_role("button", name="Show now").click()
        expect(page.locator("#answer")).to_have_attribute("data-tone", "bad")
        expect(page.locator("#then")).to_be_hidden()


def test_two_members_have_a_story(page: Page, tmp_path: Path) -> None:
    """What each audit said of them and why, by choosing both or their cell."""
    bench = Bench(tmp_path, [SPREAD, audit_of(SHARED)])
    bench.once()
    with answering(bench) as url:
        page.goto(url)
        for name in ("web-1", "web-2"):
            page.locator(f'[data-instance="{name}"] button').click()
        expect(page.locator("#story-of")).to_have_text("web-1 and web-2")
        expect(page.locator("#said > li").first).to_contain_text("co-resident")
        expect(page.locator("#said > li").last).to_contain_text("separate")
        expect(page.locator("#said")).to_contain_text("hops says same, strong")
        page.get_by_role("button", name="Close").click()
        page.locator("#matrix td.separate button").first.click()
        expect(page.locator("#said > li").first).to_contain_text("separate")


def test_a_failure_is_told_beside_what_was_known(page: Page, tmp_path: Path) -> None:
    """The last audit stays, and the reason stands above it."""
    bench = Bench(tmp_path, [SPREAD, OSError("no route")])
    bench.once(1)
    with answering(bench) as url:
        page.goto(url)
        expect(page.locator("#trouble")).to_contain_text("no route")
        expect(page.locator("#answer")).to_have_attribute("data-tone", "good")


def test_names_are_text(page: Page, tmp_path: Path) -> None:
    """What looks like a tag is a name, and names with slashes and spaces have stories."""
    names = ["<b>x</b>", "a/b c", "web-3", "web-4", "ä?#&"]
    bench = Bench(tmp_path, [audit_of(SHARED, ids=names)])
    with answering(bench) as url:
        page.goto(url)
        expect(page.locator(".host .chip .id:not(.address)").first).to_have_text("<b>x</b>")
        page.locator("#matrix td.co-resident button").first.click()
        expect(page.locator("#said > li").first).to_contain_text("co-resident")
