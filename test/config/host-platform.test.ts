import assert from "node:assert/strict";
import { test } from "node:test";
import { hostPlatform } from "../../src/config/host-platform.ts";
import { loadHostPlatform } from "../../src/config/load-host-platform.ts";
import { createMachine } from "./temporary.ts";

const plain: readonly [platform: string, architecture: string, expected: string][] = [
  ["linux", "x64", "linux/amd64"],
  ["linux", "ia32", "linux/386"],
  ["linux", "ppc64", "linux/ppc64le"],
  ["linux", "s390x", "linux/s390x"],
  ["linux", "riscv64", "linux/riscv64"],
  ["win32", "x64", "windows/amd64"],
  ["win32", "arm64", "windows/arm64/v8"],
  ["darwin", "arm64", "darwin/arm64/v8"],
  ["freebsd", "arm64", "freebsd/arm64"],
];

for (const [platform, architecture, expected] of plain) {
  test(`hostPlatform() calls ${platform} on ${architecture} ${expected}, without asking for the processor`, () => {
    const {
      os,
      architecture: arch,
      variant,
    } = hostPlatform({ platform, architecture }, () => {
      throw new Error("asked");
    });
    assert.equal([os, arch, variant].filter(Boolean).join("/"), expected);
  });
}

const processors: readonly [architecture: string, cpuInfo: string, variant: string | undefined][] =
  [
    ["arm64", "processor\t: 0\nCPU architecture: 8\n", "v8"],
    ["arm64", "CPU Architecture\t: AArch64\n", "v8"],
    ["arm", "CPU architecture: 7\n", "v7"],
    ["arm", "CPU architecture: ?(13)\n", "v7"],
    ["arm", "model name\t: ARMv6-compatible processor rev 7\nCPU architecture: 7\n", "v6"],
    ["arm64", "model name\t: ARMv6-compatible\nCPU architecture: 7\n", "v7"],
    ["arm", "CPU architecture: 6TEJ\n", "v6"],
    ["arm", "CPU architecture: 5TE\n", "v5"],
    ["arm", "CPU architecture: 4T\n", "v4"],
    ["arm", "CPU architecture: 3\n", "v3"],
    ["arm", "CPU architecture: 9\n", undefined],
    ["arm", "", undefined],
  ];

for (const [architecture, cpuInfo, variant] of processors) {
  test(`hostPlatform() finds ${variant} of ${architecture} in ${JSON.stringify(cpuInfo)}`, () => {
    const found = hostPlatform({ platform: "linux", architecture }, () => cpuInfo);
    assert.equal(found.variant, variant);
  });
}

test("loadHostPlatform() names this machine", (t) => {
  const { environment } = createMachine(t);
  assert.deepEqual(loadHostPlatform(environment), { os: "linux", architecture: "amd64" });
});
