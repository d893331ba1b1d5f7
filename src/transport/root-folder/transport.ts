import type { ImageReference } from "../../core/image-reference.ts";
import { TransportError } from "../contract/errors.ts";
import type { Transport } from "../contract/transport.ts";
import { RootFolderDestination, type RootFolderOptions } from "./destination.ts";

/** One folder, as something to copy an image to. */
export function rootFolder(
  folder: string,
  shown: string,
  options: RootFolderOptions,
): { readonly transport: Transport; readonly reference: ImageReference } {
  const reference: ImageReference = {
    transport: "dir",
    text: shown,
    policyIdentity: "",
    policyNamespaces: [],
  };
  const unreadable = async () => {
    throw new TransportError("transport.unsupported", "what was unpacked is no image any more");
  };
  const transport: Transport = {
    name: "dir",
    resolve: async () => reference,
    openSource: unreadable,
    openDestination: async () => new RootFolderDestination(reference, folder, options),
  };
  return { transport, reference };
}
