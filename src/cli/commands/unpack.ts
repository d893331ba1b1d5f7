import { chmod, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isInUserNamespace } from "../../config/load-user-namespace.ts";
import { UsageError } from "../../core/errors.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import { NewFolder } from "../../transport/root-folder/new-folder.ts";
import { rootFolder } from "../../transport/root-folder/transport.ts";
import { unitName } from "../bundle/unit-file.ts";
import { writeBundle } from "../bundle/write-bundle.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import { plainWish, wantedPlatform } from "../local/wishes.ts";
import { withRetries } from "../retry.ts";
import { loadOwners } from "../rootless/owners.ts";
import { runCopy } from "../run-copy.ts";
import { endSettings } from "../settings.ts";
import { explaining } from "../trust/explaining-gate.ts";

/** `unpack IMAGE DIRECTORY`: the root filesystem of an image that the policy admits, or a bundle to run it. */
export async function run(context: CommandContext): Promise<void> {
  const { args, flags, globals, signal } = context;
  const [name, directory] = args;
  if (name === undefined || directory === undefined || args.length !== 2)
    throw new UsageError("usage.bad-flag", "Exactly two arguments expected: an image and a folder");
  const bundle = flags.bool("bundle");
  const unit = flags.changed("unit") ? unitName(flags.string("unit")) : undefined;
  if (!bundle && (unit !== undefined || flags.bool("host-network")))
    throw new UsageError("usage.bad-flag", "--unit and --host-network need --bundle");
  const parts = await context.parts();
  const gate = await withPrefix("Error loading trust policy", () => parts.gate());
  const settings = endSettings(flags, globals, "");
  const end = await parts.end(settings);
  const from = await withPrefix(`Invalid image name ${name}`, () =>
    end.resolve(name, "source", { signal }),
  );
  const judging = flags.bool("explain")
    ? explaining(gate, (text) => context.terminal.err(text))
    : gate;
  const options = { ...plainWish(wantedPlatform(context, parts.platform)), removeSignatures: true };
  const target = resolve(directory);
  const image = formatImageReference(from.reference);
  const kept = loadOwners();
  await withRetries(context, settings, async () => {
    await using folder = await NewFolder.begin(target);
    const rootfs = join(folder.path, "rootfs");
    await mkdir(rootfs);
    await chmod(rootfs, 0o755);
    const to = rootFolder(rootfs, target, {
      userNamespace: isInUserNamespace(parts.environment),
      ignoreOwners: kept.owners === "mine",
      async finish(unpacked) {
        const wanted = { folder: folder.path, target, image, unit };
        const hostNetwork = flags.bool("host-network");
        if (bundle) await writeBundle({ ...wanted, hostNetwork, kept }, unpacked);
        await folder.finish(bundle ? folder.path : rootfs);
      },
    });
    await runCopy(context, { from, to, gate: judging, options }, { aside: true });
  });
}
