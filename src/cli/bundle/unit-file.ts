import { UsageError } from "../../core/errors.ts";

/** What a systemd unit of a bundle says. */
export interface UnitInput {
  /** Without `.service`; the container's ID too. */
  readonly name: string;
  /** The image it was unpacked from, for people. */
  readonly image: string;
  /** Absolute. */
  readonly bundle: string;
  /** Absolute path of runc or crun. */
  readonly runtime: string;
  /** The signal that ends it: the image's, a name or a number. */
  readonly stopSignal: string | undefined;
}

/** The name of a unit that is also one of a container. @throws {UsageError} `usage.bad-flag` */
export function unitName(text: string): string {
  const name = text.replace(/\.service$/, "");
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/.test(name)) return name;
  throw new UsageError("usage.bad-flag", `invalid unit name ${JSON.stringify(text)}`, {
    hint: "Use letters, digits, and _ . - between them",
  });
}

/** The unit's text — systemd.service(5). The runtime stays in the foreground and hands signals on. */
export function unitFile({ name, image, bundle, runtime, stopSignal }: UnitInput): string {
  const signal = stopSignal !== undefined && /^[A-Z0-9+]+$/.test(stopSignal) ? stopSignal : "";
  return `[Unit]
Description=${escaped(`Container ${name} of ${image}`)}
Documentation=https://github.com/opencontainers/runtime-spec
After=network.target

[Service]
ExecStartPre=-${quoted(runtime)} delete --force ${name}
ExecStart=${quoted(runtime)} run --bundle ${quoted(bundle)} ${name}
ExecStopPost=-${quoted(runtime)} delete --force ${name}
${signal === "" ? "" : `KillSignal=${signal}\n`}KillMode=mixed
Delegate=yes
Restart=on-failure

[Install]
WantedBy=multi-user.target
`;
}

/** As one word of a command line, whatever is in it. */
function quoted(text: string): string {
  const safe = escaped(text)
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("$", "$$$$");
  return /^[A-Za-z0-9/._%-]+$/.test(safe) ? safe : `"${safe}"`;
}

/** systemd's specifiers begin with a percent sign; a line must stay one. */
function escaped(text: string): string {
  return text.replaceAll("%", "%%").replaceAll(/\p{Cc}/gu, " ");
}
