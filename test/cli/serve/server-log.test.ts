import assert from "node:assert/strict";
import { test } from "node:test";
import { redactUrl } from "../../../src/cli/serve/redact-url.ts";
import { createServerLog } from "../../../src/cli/serve/server-log.ts";
import type { Terminal } from "../../../src/cli/terminal.ts";
import { logSettings } from "../../../src/server/shell/settings.ts";

const urls: readonly (readonly [url: string, logged: string])[] = [
  ["/v2/a/tags/list?n=5&last=x", "/v2/a/tags/list?n=5&last=x"],
  ["/token?scope=repository:a:pull&service=s", "/token?scope=repository:a:pull&service=s"],
  ["/token?refresh_token=abc&service=s", "/token?refresh_token=***&service=s"],
  ["/x?password=a%26b&User=c", "/x?password=***&User=c"],
  [
    "/x?X-Amz-Signature=1&X-Amz-Credential=2&x=3",
    "/x?X-Amz-Signature=***&X-Amz-Credential=***&x=3",
  ],
  ["/x?sig=1&se=2&%73ig=3", "/x?sig=***&se=2&%73ig=***"],
  ["/x?Signature=1&Key-Pair-Id=2&Policy=3", "/x?Signature=***&Key-Pair-Id=***&Policy=***"],
  ["/x?code=1&%zz=2", "/x?code=***&%zz=2"],
  ["/x?access_token", "/x?access_token"],
  ["http://user:pw@host/x?a=b", "http://host/x?a=b"],
];

test("redactUrl() leaves no secret of a request in the log", () => {
  for (const [url, logged] of urls) assert.equal(redactUrl(url), logged);
});

function lines(
  settings: object,
  events: Parameters<ReturnType<typeof createServerLog>>[0][],
): string {
  let written = "";
  const terminal = {
    stderrIsTty: false,
    err: (text: string) => {
      written += text;
    },
  } as Terminal;
  const log = createServerLog(logSettings.parse({ format: "text", ...settings }), terminal);
  for (const event of events) log(event);
  return written;
}

const request = {
  type: "request",
  operation: "read-blob",
  method: "GET",
  url: "/v2/a\u001b[31m/blobs/x?sig=1",
  status: 200,
  caller: { user: "ann", address: "192.0.2.1" },
  durationMs: 12.345,
  bytesIn: 0,
  bytesOut: 7,
  userAgent: "podman\n",
  complete: false,
} as const;

test("a line of text tells of a request, without escapes that a terminal would follow", () => {
  const line = lines({}, [request]);
  assert.match(
    line,
    / level=info msg=request address=192\.0\.2\.1 agent="podman\\n" complete=false in=0 method=GET ms=12\.3 operation=read-blob out=7 status=200 url=\S+ user=ann\n$/,
  );
  assert.doesNotMatch(line, /\u001b|sig=1/);
});

test("levels and settings keep lines away", () => {
  const message = { type: "message", level: "info", text: "hello" } as const;
  assert.equal(lines({ requests: false }, [request]), "");
  assert.equal(lines({ level: "warn" }, [request, message]), "");
  assert.match(
    lines({ level: "warn" }, [{ ...message, level: "error", error: new Error("why") }]),
    /msg="hello: why"/,
  );
  assert.match(lines({}, [{ ...request, status: 500 }]), /level=error/);
  assert.equal(lines({}, [{ type: "cache", kind: "blob", result: "hit" }]), "");
});
