import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistryError } from "../../src/registry/errors.ts";
import {
  type ContactOptions,
  FirstContact,
  type SendOnce,
} from "../../src/registry/first-contact.ts";
import type { HttpClient, HttpResponse } from "../../src/registry/http/contract.ts";
import { Reply } from "../../src/registry/reply.ts";
import { forbid } from "../support/forbid.ts";

const { signal } = new AbortController();
const ofRegistry = { "docker-distribution-api-version": "registry/2.0" };

function answer(status: number, headers: Readonly<Record<string, string>> = ofRegistry): Reply {
  const response = forbid<HttpResponse>({
    status,
    header: (name) => headers[name],
    [Symbol.asyncDispose]: async () => {},
  });
  const url = new URL("https://example.com/v2/");
  return new Reply(response, { method: "HEAD", url, redirected: false }, () => {});
}

function failure(code: "unreachable" | "bad-redirect", retryable = false): RegistryError {
  return new RegistryError(`registry.${code}`, code, { retryable });
}

/** A contact whose host does as told by scheme, and the schemes it was sent to, `?` where that is a try. */
function contactWith(
  does: Readonly<Record<string, () => Reply>>,
  options: Partial<ContactOptions> = {},
) {
  const http = forbid<HttpClient>({ warm: () => ({ [Symbol.dispose]() {} }) });
  const contact = new FirstContact({ http, host: "example.com", security: "insecure", ...options });
  const sent: string[] = [];
  const send: SendOnce = async (onConnect) => {
    const scheme = contact.origin.protocol;
    sent.push(`${scheme}${onConnect ? "?" : ""}`);
    onConnect?.();
    await new Promise(setImmediate);
    const reply = does[scheme]?.();
    if (!reply) throw failure("unreachable");
    contact.heard();
    return reply;
  };
  return { contact, sent, send, ask: () => contact.send(send, signal) };
}

const ok = () => answer(200);
const fails = (error: RegistryError) => () => {
  throw error;
};

test("FirstContact leaves TLS only where that is allowed and nobody answered", async () => {
  const origin = new URL("http://example.com/");
  const cases: readonly {
    does: Readonly<Record<string, () => Reply>>;
    options?: Partial<ContactOptions>;
    sent: readonly string[];
    gives: number | string;
    at: string;
  }[] = [
    { does: { "https:": ok }, sent: ["https:?"], gives: 200, at: "https:" },
    { does: { "http:": ok }, sent: ["https:?", "http:"], gives: 200, at: "http:" },
    { does: {}, sent: ["https:?", "http:"], gives: "unreachable", at: "https:" },
    {
      does: { "http:": ok },
      options: { security: "verify" },
      sent: ["https:"],
      gives: "unreachable",
      at: "https:",
    },
    { does: { "http:": ok }, options: { origin }, sent: ["http:"], gives: 200, at: "http:" },
    {
      does: { "https:": fails(failure("bad-redirect")), "http:": ok },
      sent: ["https:?"],
      gives: "bad-redirect",
      at: "https:",
    },
    // TLS is spoken, and failed by chance
    {
      does: { "https:": fails(failure("unreachable", true)), "http:": () => answer(400, {}) },
      sent: ["https:?", "http:"],
      gives: "unreachable",
      at: "https:",
    },
    // a registry without TLS that finds the request bad
    {
      does: { "https:": fails(failure("unreachable", true)), "http:": () => answer(400) },
      sent: ["https:?", "http:"],
      gives: 400,
      at: "http:",
    },
  ];
  for (const { does, options, sent, gives, at } of cases) {
    const made = contactWith(does, options);
    const got = await made.ask().then(
      ({ status }) => status,
      ({ message }) => message,
    );
    assert.deepEqual({ got, sent: made.sent }, { got: gives, sent });
    assert.equal(made.contact.origin.protocol, at);
    assert.equal(made.contact.answered, typeof gives === "number");
  }
});

test("FirstContact has one request find the scheme, and stays with it", async () => {
  let down = false;
  const { ask, sent } = contactWith({
    "http:": () => {
      if (down) throw failure("unreachable");
      return ok();
    },
  });
  await Promise.all([ask(), ask(), ask()]);
  assert.deepEqual(sent, ["https:?", "http:", "http:", "http:"]);
  down = true;
  await assert.rejects(ask());
  assert.equal(sent.length, 5);
});

test("FirstContact does not ask without TLS a host that has answered with it", async () => {
  let answers = 0;
  const { ask, sent } = contactWith({
    "https:": () => {
      if (answers++ > 0) throw failure("unreachable");
      return ok();
    },
    "http:": ok,
  });
  await ask();
  await assert.rejects(ask());
  assert.deepEqual(sent, ["https:?", "https:"]);
});

test("FirstContact does not ask without TLS a host that sent it where nobody is", async () => {
  const made = contactWith({
    "https:": () => {
      made.contact.heard();
      throw failure("unreachable");
    },
    "http:": ok,
  });
  await assert.rejects(made.ask());
  assert.deepEqual(made.sent, ["https:?"]);
});
