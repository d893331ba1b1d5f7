import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { StoreArea } from "./area.ts";
import { unless, writing } from "./errors.ts";
import type { LayerRecord } from "./layer-record.ts";
import type { Trash } from "./trash.ts";

/** What was staged of a layer. */
export interface StagedFiles {
  readonly folder: string;
  readonly tarSplit: string;
}

/**
 * Puts what was staged of a layer into place, with all that the driver keeps beside it. What lies there without a record is
 * moved away first. Under the exclusive lock, with the layer's record marked incomplete.
 *
 * The folder of an overlay layer gets its place as a whole, and its link after it: where a process was killed, podman 4.3
 * follows the file that tells the link's name when it cleans up, and removes all links of the store where that is empty.
 */
export function placeLayer(
  area: StoreArea,
  id: string,
  parent: LayerRecord | undefined,
  staged: StagedFiles,
  trash: Trash,
): void {
  removeLayerFiles(area, id, trash);
  const folder = area.layerFolder(id);
  writing("mkdir", folder, () => {
    renameSync(staged.tarSplit, area.tarSplit(id));
    if (area.driver === "vfs") return renameSync(staged.folder, folder);
    const link = linkName();
    renameSync(overlayFolder(staged.folder, link, parent), folder);
    symlinkSync(`../${id}/diff`, join(area.home, "l", link));
  });
}

/** Takes away all that belongs to a layer but its record. Under the exclusive lock, with the record marked incomplete. */
export function removeLayerFiles(area: StoreArea, id: string, trash: Trash): void {
  const folder = area.layerFolder(id);
  if (area.driver === "overlay") removeLinks(area, id, folder);
  trash.take(folder);
  const tarSplit = area.tarSplit(id);
  const data = area.layerData(id);
  writing("unlink", tarSplit, () => rmSync(tarSplit, { force: true }));
  writing("unlink", data, () => rmSync(data, { recursive: true, force: true }));
}

/**
 * A layer's root folder gets its parent's mode and owner; the first one has those of the Go library (spec 9.6).
 *
 * @param anyOwner where the owner may stay who it is, if it cannot be changed (`ignore_chown_errors`)
 */
export function setRootAttributes(
  tree: string,
  parent: LayerRecord | undefined,
  anyOwner: boolean,
): void {
  writing("chmod", tree, () => {
    const model = parent && lstatSync(parent.area.tree(parent.id));
    const refusals = anyOwner ? ["EPERM", "EINVAL"] : [];
    unless(refusals, () => chownSync(tree, model?.uid ?? 0, model?.gid ?? 0));
    chmodSync(tree, model ? model.mode & 0o7777 : 0o555);
  });
}

/** A layer's folder around its tree, beside where that was staged. */
function overlayFolder(tree: string, link: string, parent: LayerRecord | undefined): string {
  const folder = `${tree}-whole`;
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, "link"), link, { mode: 0o644 });
  for (const name of ["work", "merged", ...(parent ? [] : ["empty"])]) {
    mkdirSync(join(folder, name), { mode: 0o700 });
  }
  if (parent) writeFileSync(join(folder, "lower"), lowerOf(parent), { mode: 0o644 });
  renameSync(tree, join(folder, "diff"));
  return folder;
}

/** The layers below, nearest first, by their short links. */
function lowerOf(parent: LayerRecord): string {
  const folder = parent.area.layerFolder(parent.id);
  const link = readFileSync(join(folder, "link"), "utf8");
  const lower = unless(["ENOENT"], () => readFileSync(join(folder, "lower"), "utf8"));
  return lower ? `l/${link}:${lower}` : `l/${link}`;
}

/** 26 characters of base32: mount options have room for a page only, and whole IDs would fill it. */
function linkName(): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  return Array.from(randomBytes(26), (byte) => letters[byte & 31]).join("");
}

/** Where the file that tells the link's name was not written any more, the links are asked where they lead. */
function removeLinks(area: StoreArea, id: string, folder: string): void {
  const links = join(area.home, "l");
  writing("unlink", links, () => {
    if (unless(["ENOENT"], () => lstatSync(folder)) === undefined) return;
    const told = unless(["ENOENT"], () => readFileSync(join(folder, "link"), "utf8"));
    const names = told && /^[A-Z2-7]+$/.test(told) ? [told] : namesOfLinksTo(links, id);
    for (const name of names) rmSync(join(links, name), { force: true });
  });
}

/** Whether there are more short links than layers: then some may lead nowhere. */
export function hasSpareLinks(area: StoreArea, layers: number): boolean {
  return area.driver === "overlay" && namesIn(join(area.home, "l")).length > layers;
}

/**
 * Removes links that lead to no layer's folder. podman leaves one where it cleans up after one of its own that was killed
 * between making the link and telling its name. Under the exclusive lock.
 */
export function removeStrayLinks(area: StoreArea): void {
  const links = join(area.home, "l");
  writing("unlink", links, () => {
    for (const name of namesIn(links)) {
      const id = /^\.\.\/([0-9a-f]{64})\/diff$/.exec(targetOf(join(links, name)) ?? "")?.[1];
      if (id && unless(["ENOENT"], () => lstatSync(area.layerFolder(id))) === undefined) {
        rmSync(join(links, name), { force: true });
      }
    }
  });
}

function namesOfLinksTo(links: string, id: string): readonly string[] {
  return namesIn(links).filter((name) => targetOf(join(links, name)) === `../${id}/diff`);
}

function namesIn(folder: string): readonly string[] {
  return unless(["ENOENT", "EACCES"], () => readdirSync(folder)) ?? [];
}

function targetOf(link: string): string | undefined {
  return unless(["EINVAL", "ENOENT"], () => readlinkSync(link));
}
