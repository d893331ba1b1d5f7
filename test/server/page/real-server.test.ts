import assert from "node:assert/strict";
import { test } from "node:test";
import { hashSync } from "bcryptjs";
import { openBrowser, openPage, seriousFindings } from "../../support/browser.ts";
import { makeImage } from "../../support/images.ts";
import { skipWithout } from "../../support/peers.ts";
import { startRegistry } from "../../support/registry.ts";
import { startCuttableLine } from "../../support/server/cuttable-line.ts";
import { startServerProcess } from "../../support/server/server-process.ts";
import { tempFolder } from "../../support/temp.ts";

const policy = JSON.stringify({
  default: [{ type: "insecureAcceptAnything" }],
  transports: { docker: { "HOST/team/unsigned": [{ type: "reject" }] } },
});

/** A server with a user, an upstream that holds images, two mirrors of it, and a policy that refuses one repository. */
async function startWorld() {
  const folder = await tempFolder();
  const registry = await startRegistry();
  const { host } = registry;
  for (let tag = 0; tag < 6; tag++)
    registry.seed("team/app", `v${tag}`, makeImage({ seed: tag, layers: 2 }));
  registry.seed("team/unsigned", "v1", makeImage({ seed: 20 }));
  const yaml = `
name: registry.example
access:
  htpasswd: users
  rules: [{ users: [ann], repositories: ["**"], actions: [pull, push, overwrite, jobs, admin] }]
jobs:
  attempts: 1
  allowed-hosts: [{ host: "${host}", url: "http://${host}", insecure: true }]
  credentials: { self: { hosts: [registry.example], username: ann, password-file: password } }
admission:
  policy: policy.json
mirrors:
  apps:
    hosts: { registry.example: { credentials: self } }
    mirrors: [{ from: "${host}/team/app", to: registry.example/mirror/ }]
    schedule: "0 3 * * *"
  unsigned:
    hosts: { registry.example: { credentials: self } }
    mirrors: [{ from: "${host}/team/unsigned", to: registry.example/mirror/ }]
`;
  const server = await startServerProcess({
    folder,
    yaml,
    files: {
      password: "secret",
      users: `ann:${hashSync("secret", 4)}\n`,
      "policy.json": policy.replaceAll("HOST", host),
    },
  });
  return {
    registry,
    server,
    async [Symbol.asyncDispose]() {
      await server.kill("SIGTERM");
      await registry[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Waits for a job's end by the events that it is told with. */
async function endOf(url: string, id: string, as: RequestInit): Promise<void> {
  await (await fetch(`${url}/api/v1/jobs/${id}/events`, as)).text();
}

test("a mirror is started, watched, refused and tried again at the page of a real server", {
  skip: skipWithout("chromium"),
}, async () => {
  await using world = await startWorld();
  await using browser = await openBrowser();
  const { page, wrong } = await openPage(browser);
  const { url, port } = world.server;
  await using line = await startCuttableLine(port);
  const title = (name: string) =>
    page.getByRole("heading", { level: 1, name, exact: true }).waitFor();

  await page.goto(line.url);
  await title("Log in");
  assert.deepEqual(await seriousFindings(page), []);
  await page.getByLabel("User").fill("ann");
  await page.getByLabel("Password").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "wrong" }).waitFor();
  await page.getByLabel("Password").fill("secret");
  await page.keyboard.press("Enter");
  await title("Overview");

  await page.getByRole("link", { name: "Mirrors" }).click();
  const card = (name: string) => page.getByRole("article", { name: `Mirror ${name}` });
  await card("apps").getByText("0 3 * * *").waitFor();
  await card("apps").getByRole("button", { name: "Run now" }).click();
  await title("Mirror apps");
  await page.getByText("Done", { exact: true }).waitFor();
  await page.getByText("6 images: 6 copied, 0 unchanged").waitFor();
  assert.equal(await page.getByRole("row").filter({ hasText: "Copied" }).count(), 6);
  await page.reload(); // its story is told of a job that has ended, too
  await page.getByRole("row").filter({ hasText: "Copied" }).nth(5).waitFor();
  assert.deepEqual(await seriousFindings(page), []);

  await page.getByRole("link", { name: "Mirrors" }).click();
  await card("unsigned").getByRole("button", { name: "Run now" }).click();
  await title("Mirror unsigned");
  const refused = page.getByRole("row").filter({ hasText: "Refused" });
  await refused.getByText(/rejected by policy/).waitFor();
  assert.deepEqual(await seriousFindings(page), []);

  // What failed for want of an image goes well once it is there.
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  await page.getByRole("link", { name: "New job" }).click();
  await page.getByLabel("From", { exact: true }).fill(`${world.registry.host}/team/late:v1`);
  await page.getByLabel("To", { exact: true }).fill("registry.example/late:v1");
  await page.getByLabel("Credentials for it (optional)").nth(1).fill("self");
  const { promise: letThrough, resolve: onLetThrough } = Promise.withResolvers<void>();
  await page.route("**/api/v1/jobs/events", async (route) => {
    await letThrough; // what changes before the page hears of changes is shown all the same
    await route.continue();
  });
  await page.getByRole("button", { name: "Copy" }).click();
  await page.waitForURL(/#job\//);
  const as = {
    headers: { authorization: `Basic ${Buffer.from("ann:secret").toString("base64")}` },
  };
  await endOf(url, page.url().split("/").at(-1) ?? "", as);
  onLetThrough();
  await page
    .getByText(/name unknown/)
    .first()
    .waitFor();
  world.registry.seed("team/late", "v1", makeImage({ seed: 30 }));
  const before = page.url();
  await page.getByRole("button", { name: "Retry" }).click();
  await page.unroute("**/api/v1/jobs/events");
  await page.waitForURL((now) => now.href !== before);
  await page.getByText("Done", { exact: true }).waitFor();
  const head = await fetch(`${url}/v2/late/manifests/v1`, as);
  assert.equal(head.status, 200);

  // What changes while there is no network is shown when there is one again.
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  await title("Jobs");
  const runs = page.getByRole("row").filter({ hasText: "Mirror apps" });
  await runs.waitFor();
  line.cut();
  const run = await fetch(`${url}/api/v1/mirrors/apps/run`, { method: "POST", ...as });
  await endOf(url, ((await run.json()) as { job: { id: string } }).job.id, as);
  line.mend();
  await runs.filter({ hasText: "6 unchanged" }).waitFor();

  // Whose session is over is told so, and loses nothing of what they wrote.
  const cookies = await page.context().cookies();
  await page.getByRole("link", { name: "New job" }).click();
  await page.getByLabel("Image").fill("registry.example/late:v1");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByRole("alert").filter({ hasText: "Log in again" }).waitFor();
  await page.context().addCookies(cookies);
  await page.getByRole("button", { name: "Verify" }).click();
  await title("Verify registry.example/late:v1");

  await page.getByRole("button", { name: "Log out" }).click();
  await title("Log in");
  assert.deepEqual(
    wrong.filter((text) => !/status of 401|ERR_(?:CONNECTION|EMPTY|INCOMPLETE|SOCKET)/.test(text)),
    [],
  );
});
