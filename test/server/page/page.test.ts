import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import type { Page } from "playwright-core";
import { pageFace } from "../../../src/server/page/page-face.ts";
import { sessionFace } from "../../../src/server/page/session-face.ts";
import { createSessions } from "../../../src/server/page/sessions.ts";
import type { Face } from "../../../src/server/shell/faces.ts";
import { looks, openBrowser, openPage, seriousFindings } from "../../support/browser.ts";
import { builtProgram } from "../../support/built.ts";
import { startDemo } from "../../support/jobs/demo-server.ts";
import { skipWithout } from "../../support/peers.ts";
import { startCuttableLine } from "../../support/server/cuttable-line.ts";

const refusal = {
  id: "d1",
  at: "2026-11-27T09:00:00.000Z",
  kind: "manifest",
  outcome: "refused",
  mode: "enforce",
  repository: "docker.io/library/alpine",
  image: "docker.io/library/alpine:3",
  digest: `sha256:${"a".repeat(64)}`,
  reason: "A signature was required, but no signature exists",
  hint: "sign the image",
  scope: "docker.io/**",
  images: [
    {
      digest: `sha256:${"a".repeat(64)}`,
      platform: "linux/amd64",
      allowed: false,
      text: "signedBy: no signature <b>exists</b>",
    },
  ],
};

/** The rest of the server's API, as far as the page asks for it. */
const decisions: Face = (app) => {
  app.get("/api/v1/decisions", { config: { open: true } }, async () => ({ decisions: [refusal] }));
  app.get("/api/v1/decisions/d1", { config: { open: true } }, async () => refusal);
  app.get("/api/v1/blocked", { config: { open: true } }, async () => ({ blocked: [] }));
};

async function openDemo() {
  const folder = join(dirname(await builtProgram()), "page");
  const access = {
    anonymous: true,
    identify: async () => ({ user: "ann", address: "127.0.0.1" }),
    allows: () => true,
    challenge: () => "",
  };
  const sessions = createSessions(
    () => "x",
    () => 0,
  );
  const session = sessionFace({ access, sessions, name: "registry.example", version: "1" });
  return await startDemo({ faces: [pageFace(folder), session, decisions] });
}

const shown = (page: Page, name: string) =>
  page.getByRole("heading", { level: 1, name, exact: true }).waitFor();

suite("the page", { skip: skipWithout("chromium"), concurrency: 1 }, () => {
  test("shows each of its parts at every size and in both themes, with nothing serious for axe", async () => {
    await using demo = await openDemo();
    await using browser = await openBrowser();
    for (const look of looks) {
      const { page, wrong } = await openPage(browser, look);
      for (const [where, title] of [
        ["", "Overview"],
        ["jobs", "Jobs"],
        ["mirrors", "Mirrors"],
        ["trust", "Trust"],
        ["decision/d1", "docker.io/library/alpine:3"],
        ["new", "New job"],
      ] as const) {
        await page.goto(`${demo.url}/#${where}`);
        await shown(page, title);
        assert.deepEqual(await seriousFindings(page), [], `${where} ${JSON.stringify(look)}`);
        const wide = await page.evaluate("document.documentElement.scrollWidth");
        assert.equal(wide, look.width, `${where} is wider than ${look.width}`);
      }
      assert.deepEqual(wrong, []);
      await page.close();
    }
  });

  test("shows a job as it goes on, with the reason of what failed, and tries it again", async () => {
    await using demo = await openDemo();
    await using browser = await openBrowser();
    const { page, wrong } = await openPage(browser);
    await page.goto(`${demo.url}/#mirrors`);
    const card = page.getByRole("article", { name: "Mirror tools" });
    await card.getByRole("button", { name: "Run now" }).click();
    await shown(page, "Mirror tools");
    const bar = page.getByRole("progressbar", { name: "Images", exact: true });
    await bar.waitFor();
    await page.getByRole("row").filter({ hasText: "Copied" }).first().waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await page.goto(`${demo.url}/#jobs/Failed`);
    await page.getByRole("link", { name: /redis:7/ }).click();
    await page.getByText("authentication required").first().waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    const before = page.url();
    await page.getByRole("button", { name: "Retry" }).click();
    await page.waitForURL((url) => url.href !== before);
    await page
      .getByText(/^(Waiting|Running)$/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page
      .getByText(/^(Being cancelled|Cancelled)$/)
      .first()
      .waitFor();
    assert.deepEqual(wrong, []);
  });

  test("a job's page has one stream alone: of connections a browser has six for all pages", async () => {
    await using demo = await openDemo();
    await using browser = await openBrowser();
    const { page } = await openPage(browser);
    const streams = new Set<string>();
    page.on("request", (asked) => {
      if (asked.url().endsWith("/events")) streams.add(new URL(asked.url()).pathname);
    });
    const answer = await fetch(`${demo.url}/api/v1/mirrors/tools/run`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    const { job } = (await answer.json()) as { job: { id: string } };
    await page.goto(`${demo.url}/#job/${job.id}`);
    await shown(page, "Mirror tools");
    await page.getByText(/ of \d+ images?,/).waitFor(); // its numbers are told all the same
    await page.getByText(/^(Done|Failed)$/).waitFor();
    assert.deepEqual([...streams], [`/api/v1/jobs/${job.id}/events`]);
  });

  test("is used by keyboard alone", async () => {
    await using demo = await openDemo();
    await using browser = await openBrowser();
    const { page, wrong } = await openPage(browser);
    await page.goto(`${demo.url}/#`);
    await shown(page, "Overview");
    const focused = () =>
      page.evaluate("document.activeElement.textContent || document.activeElement.tagName");
    assert.equal(await focused(), "Overview");
    const order: unknown[] = [];
    // Round by the end of the page to its head.
    while (order.at(-1) !== "Mirrors" && order.length < 60) {
      await page.keyboard.press("Tab");
      order.push(await focused());
    }
    assert.equal(order.at(-1), "Mirrors", order.join(", "));
    assert.ok(order.includes("Skip to the content"), order.join(", "));
    await page.keyboard.press("Enter");
    await shown(page, "Mirrors");
    // Where one is taken to, one goes on from there.
    assert.equal(await focused(), "Mirrors");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "last run");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Run now");
    assert.deepEqual(wrong, []);
  });

  test("tells that what is shown may be old while the server does not answer", async () => {
    await using demo = await openDemo();
    await using line = await startCuttableLine(Number(new URL(demo.url).port));
    await using browser = await openBrowser();
    const { page } = await openPage(browser);
    await page.goto(`${line.url}/#jobs`);
    await shown(page, "Jobs");
    await page.waitForFunction("performance.getEntriesByType('resource').length > 3");
    assert.equal(await page.getByText("Not connected").count(), 0);
    line.cut();
    await page.getByRole("status").filter({ hasText: "Not connected" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    line.mend();
    await page.getByText("Not connected").waitFor({ state: "detached" });
  });

  test("mirrors show their runs as they go on, and an address that is none says so", async () => {
    await using demo = await openDemo();
    await using browser = await openBrowser();
    const { page } = await openPage(browser);
    await page.goto(`${demo.url}/#mirrors`);
    await shown(page, "Mirrors");
    const card = page.getByRole("article", { name: "Mirror tools" });
    const link = card.getByRole("link", { name: "last run" });
    const before = (await link.count()) > 0 ? await link.getAttribute("href") : null;
    const answer = await fetch(`${demo.url}/api/v1/mirrors/tools/run`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    const { job } = (await answer.json()) as { job: { id: string } };
    assert.notEqual(before, `#job/${job.id}`);
    await card.locator(`a[href="#job/${job.id}"]`).waitFor();
    await card.getByText("Running", { exact: true }).waitFor();

    for (const name of ["constructor", "__proto__", "jobs/toString"]) {
      await page.goto(`${demo.url}/#${name}`);
      await shown(page, name.startsWith("jobs") ? "Jobs" : "Overview");
    }
    await page.goto(`${demo.url}/#job/none`);
    await shown(page, "This cannot be shown");
    assert.equal(await page.title(), "This cannot be shown – Amphora");
  });

  test("a job that waits for its time says so, and its details stay open as it ends", async () => {
    await using demo = await openDemo();
    await using browser = await openBrowser();
    const { page } = await openPage(browser);
    const answer = await fetch(`${demo.url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...{ kind: "verify", image: "docker://r.example/a:1" },
        notBefore: new Date(Date.now() + 3_600_000),
      }),
    });
    const { job } = (await answer.json()) as { job: { id: string } };
    await page.goto(`${demo.url}/#job/${job.id}`);
    await page.getByText("Waits for its time", { exact: true }).waitFor();
    await page.getByText("No images told of yet.").waitFor();
    await page.getByText("Details").click();
    await page.getByText("To begin", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).press("Enter");
    await page.getByText("Cancelled", { exact: true }).waitFor();
    // What is read out is the state, and not each second that goes by.
    assert.deepEqual(await page.getByRole("status").allInnerTexts(), ["", "State: Cancelled"]);
    await page.getByText("No images were told of.").waitFor();
    assert.ok(await page.getByText("Asked for", { exact: true }).isVisible());
    assert.equal(await page.evaluate("document.activeElement.tagName"), "H1");
  });

  test("what others wrote is text, and never HTML", async () => {
    await using demo = await openDemo();
    await using browser = await openBrowser();
    const { page, wrong } = await openPage(browser);
    await page.goto(`${demo.url}/#decision/d1`);
    await page.getByText("no signature <b>exists</b>").waitFor();
    await page.goto(`${demo.url}/#new`);
    const evil = 'docker://r.example/<img src=x onerror="document.title=1">';
    await page.getByLabel("Image", { exact: true }).fill(evil);
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByRole("heading", { level: 1 }).filter({ hasText: "<img" }).waitFor();
    assert.equal(await page.locator("img").count(), 0);
    assert.deepEqual(wrong, []);
  });

  test("goes by the theme that was chosen, and keeps it", async () => {
    await using demo = await openDemo();
    await using browser = await openBrowser();
    const { page } = await openPage(browser, { width: 390, scheme: "light" });
    await page.goto(`${demo.url}/#`);
    await shown(page, "Overview");
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.getByRole("button", { name: "Theme: auto" }).click();
    assert.equal(await ground(), light);
    await page.getByRole("button", { name: "Theme: light" }).click();
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    await shown(page, "Overview");
    assert.equal(await ground(), dark);
  });
});
