import { makeNodeAt, pathAt } from "../../libc/at.ts";
import { SystemCallError } from "../../libc/libc.ts";
import { setXattrOf } from "../../libc/xattr.ts";
import type { ByteString } from "../../stream/tar/byte-string.ts";
import type { TarHeader } from "../../stream/tar/header.ts";
import { baseOf, parentOf } from "./entry-name.ts";
import { UnpackError } from "./errors.ts";
import type { LayerTree } from "./layer-tree.ts";
import type { UnpackTarget } from "./messages.ts";
import { placeFor } from "./place.ts";

/** What an entry is called that takes away the file of the rest of its name. */
export const whiteoutPrefix = ".wh.";

const opaque = ".wh..wh..opq";

/** What entries mean that take away what is in the layers below — OCI image-spec, layer.md § Whiteouts. */
export interface Whiteouts {
  /** Does what an entry of that name asks for; false where it is an entry like any other. */
  apply(header: TarHeader, path: ByteString): boolean;
}

/** The rules of a target. `isOurs` tells which paths the layer itself has brought. */
export function whiteoutsFor(
  target: UnpackTarget,
  tree: LayerTree,
  isOurs: (path: ByteString) => boolean,
): Whiteouts {
  if (target.whiteouts === "mount-program") return { apply: () => false };
  if (target.whiteouts === "overlay") return overlayWhiteouts(tree, target.userNamespace);
  return removingWhiteouts(tree, isOurs);
}

/** A character device 0:0 hides a file, an attribute of a folder all that is below it. */
function overlayWhiteouts(tree: LayerTree, userNamespace: boolean): Whiteouts {
  const attribute = `${userNamespace ? "user" : "trusted"}.overlay.opaque`;
  return {
    apply(header, path) {
      const base = baseOf(path);
      if (!base.startsWith(whiteoutPrefix)) return false;
      if (base === opaque) {
        const { fd } = tree.folders.open(parentOf(path));
        setXattrOf(pathAt(fd, "."), attribute, Buffer.from("y"));
      } else unlessHidden(() => hide(tree, header, hiddenBy(path)));
      return true;
    },
  };
}

function hide(tree: LayerTree, header: TarHeader, path: ByteString): void {
  const characterDevice = 0o020000;
  const place = tree.replace(path, ({ folder, leaf }) =>
    makeNodeAt(folder.fd, leaf, characterDevice, 0n),
  );
  tree.attributes.own(place, header);
}

/** The files go. Of those of aufs itself, which old images have, nothing is kept but the folder that they are in. */
function removingWhiteouts(tree: LayerTree, isOurs: (path: ByteString) => boolean): Whiteouts {
  return {
    apply(_, path) {
      const base = baseOf(path);
      if (!base.startsWith(whiteoutPrefix) && !path.startsWith(aufsPrefix)) return false;
      const hidden = path.startsWith(aufsPrefix) || base === opaque ? undefined : hiddenBy(path);
      unlessHidden(() => {
        const { path: folder } = tree.folders.open(parentOf(path));
        if (base === opaque) tree.removal.prune(folder, isOurs);
        else if (hidden !== undefined) tree.removal.remove(placeFor(tree.folders, hidden));
      });
      return true;
    },
  };
}

const aufsPrefix = ".wh..wh.";

/**
 * The path that a whiteout names.
 *
 * @throws {UnpackError} `storage.bad-layer` for a name that is none
 */
function hiddenBy(path: ByteString): ByteString {
  const name = baseOf(path).slice(whiteoutPrefix.length);
  if (name === "" || name === "." || name === "..") {
    throw new UnpackError("storage.bad-layer", "a whiteout of nothing that could be there");
  }
  const folder = parentOf(path);
  return folder === "" ? name : `${folder}/${name}`;
}

/** Where the folder itself is hidden already, or never was one, there is nothing to be taken away. */
function unlessHidden(hide: () => void): void {
  try {
    hide();
  } catch (error) {
    if (!(error instanceof SystemCallError && error.code === "ENOTDIR")) throw error;
  }
}
