import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { openBrowser } from "../../src/cli/open-browser.ts";
import { tempFolder } from "../support/temp.ts";

const skip = process.platform === "linux" ? false : "by Linux's names";

test("a browser is opened where there is one, and a display for it", { skip }, async () => {
  await using folder = await tempFolder();
  const variables = { PATH: folder.path, DISPLAY: ":0" };
  const code = "cli.unsupported";
  await assert.rejects(openBrowser("http://a.test", { PATH: folder.path }), {
    code,
    message: "error opening browser: there is no display",
  });
  await assert.rejects(openBrowser("http://a.test", variables), {
    code,
    message:
      'error opening browser: exec: "xdg-open,x-www-browser,www-browser": executable file not found in $PATH',
  });
  const script = `#!/bin/sh\nprintf '%s' "$1" > ${folder.in("opened.part")}\n/bin/mv ${folder.in("opened.part")} ${folder.in("opened")}\n`;
  await writeFile(folder.in("www-browser"), script, { mode: 0o755 });
  await openBrowser("http://a.test/?a=b&c=d", variables);
  let opened: string | undefined;
  for (; opened === undefined; await pause(10))
    opened = await readFile(folder.in("opened"), "utf8").catch(() => undefined);
  assert.equal(opened, "http://a.test/?a=b&c=d");
});
