import assert from "node:assert/strict";
import { test } from "node:test";
import { createProxySelector } from "../../src/config/proxy.ts";
import { createMachine } from "./temporary.ts";

/** Each row was tried with skopeo 1.22 behind HTTPS_PROXY. */
const hosts: readonly [noProxy: string, host: string, proxied: boolean][] = [
  ["", "reg.example", true],
  ["*", "reg.example", false],
  ["x,*", "reg.example", false],
  ["reg.example", "reg.example", false],
  ["reg.example", "a.reg.example", false],
  [".reg.example", "reg.example", true],
  [".reg.example", "a.reg.example", false],
  ["*.reg.example", "reg.example", true],
  ["*.reg.example", "a.reg.example", false],
  ["example", "reg.example", false],
  ["g.example", "reg.example", true],
  ["*reg.example", "reg.example", true],
  ["reg.example.", "reg.example", true],
  ["reg.example:", "reg.example", false],
  ["reg.example:443", "reg.example", false],
  ["reg.example:5000", "reg.example", true],
  ["reg.example:5000", "reg.example:5000", false],
  [":5000", "reg.example:5000", true],
  ["REG.example", "reg.example", false],
  [" reg.example , x", "reg.example", false],
  [".", "reg.example", true],
  ["10.0.0.0/8", "10.1.2.3", false],
  ["10.0.0.5/8", "10.9.9.9", false],
  ["10.0.0.0/8", "11.1.2.3", true],
  ["10.0.0.0/33", "10.0.0.1", true],
  ["10.1.2.3", "10.1.2.3", false],
  ["10.1.2.3:5000", "10.1.2.3:5000", false],
  ["10.1.2.3:5001", "10.1.2.3:5000", true],
  ["2.3", "10.1.2.3", true],
  [".3", "10.1.2.3", true],
  ["[::1]", "reg.example", true],
  ["", "127.0.0.1:1", false],
  ["", "127.1.1.1:1", false],
  ["", "localhost:1", false],
  ["", "a.localhost:1", true],
];

for (const [noProxy, host, proxied] of hosts) {
  test(`createProxySelector() with NO_PROXY="${noProxy}" sends ${host} ${proxied ? "through the proxy" : "direct"}`, (t) => {
    const variables = { HTTPS_PROXY: "http://proxy.example:3128", NO_PROXY: noProxy };
    const select = createProxySelector(createMachine(t, variables).environment);
    assert.equal(select(new URL(`https://${host}/v2/`)) !== undefined, proxied);
  });
}

const ipv6: readonly [noProxy: string, host: string, proxied: boolean][] = [
  ["", "[::1]:5000", false],
  ["", "[::ffff:127.0.0.1]", false],
  ["", "[2001:db8::1]", true],
  ["2001:db8::/32", "[2001:db8::1]", false],
  ["2001:DB8:0::1", "[2001:db8::1]", false],
  ["[2001:db8::1]:443", "[2001:db8::1]", false],
  ["[2001:db8::1]:80", "[2001:db8::1]", true],
];

for (const [noProxy, host, proxied] of ipv6) {
  test(`createProxySelector() with NO_PROXY="${noProxy}" and ${host}`, (t) => {
    const variables = { HTTPS_PROXY: "http://proxy.example:3128", NO_PROXY: noProxy };
    const select = createProxySelector(createMachine(t, variables).environment);
    assert.equal(select(new URL(`https://${host}/v2/`)) !== undefined, proxied);
  });
}

const choices: readonly [
  variables: Readonly<Record<string, string>>,
  scheme: "http" | "https",
  proxy: string | undefined,
][] = [
  [{ HTTP_PROXY: "http://p.example" }, "https", undefined],
  [{ HTTPS_PROXY: "http://p.example" }, "http", undefined],
  [{ HTTP_PROXY: "http://p.example" }, "http", "http://p.example/"],
  [{ https_proxy: "p.example:9" }, "https", "http://p.example:9/"],
  [
    { https_proxy: "http://l.example", HTTPS_PROXY: "http://u.example" },
    "https",
    "http://u.example/",
  ],
  [{ HTTPS_PROXY: "socks5://p.example:9" }, "https", "socks5://p.example:9"],
  [{ HTTPS_PROXY: "" }, "https", undefined],
  [{ ALL_PROXY: "socks5h://p.example:9" }, "http", "socks5h://p.example:9"],
  [{ all_proxy: "http://p.example" }, "https", "http://p.example/"],
  [
    { ALL_PROXY: "http://a.example", HTTPS_PROXY: "http://s.example" },
    "https",
    "http://s.example/",
  ],
  [{ HTTPS_PROXY: "http://p.example", REQUEST_METHOD: "GET" }, "https", "http://p.example/"],
];

for (const [variables, scheme, proxy] of choices) {
  test(`createProxySelector() with ${JSON.stringify(variables)} for ${scheme}`, (t) => {
    const select = createProxySelector(createMachine(t, variables).environment);
    assert.equal(select(new URL(`${scheme}://reg.example/`))?.href, proxy);
  });
}

const unusable: readonly Readonly<Record<string, string>>[] = [
  { HTTP_PROXY: "http://p.example", REQUEST_METHOD: "GET" },
  { HTTP_PROXY: "ftp://p.example" },
  { HTTP_PROXY: "http://user:secret@" },
  { HTTP_PROXY: "http://user:secret@p.example:99999" },
];

for (const variables of unusable) {
  test(`createProxySelector() refuses ${JSON.stringify(variables)} when it is needed, and keeps its secret`, (t) => {
    const select = createProxySelector(createMachine(t, variables).environment);
    assert.equal(select(new URL("http://localhost/")), undefined);
    assert.throws(
      () => select(new URL("http://reg.example/")),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "config.invalid");
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  });
}
