import koffi from "koffi";
import { libc, SystemCallError } from "./libc.ts";

const ioctl = libc.func("int ioctl(int fd, unsigned long request, ...)");
const copyFileRange = libc.func(
  "int64_t copy_file_range(int from, void *fromAt, int to, void *toAt, size_t size, uint32_t flags)",
);

const cloneRequest = 0x40049409; // FICLONE

/** Has an empty file share another's content. False where the file system cannot. */
export function shareContent(from: number, to: number): boolean {
  return ioctl(to, cloneRequest, "int", from) >= 0;
}

/**
 * Copies the next bytes of one open file to another within the kernel. @returns how many; 0 at the end, undefined where it cannot
 * be done between these two
 *
 * @throws {SystemCallError} where the disk is full or broken
 */
export function copyRange(from: number, to: number, size: number): number | undefined {
  const copied = Number(copyFileRange(from, null, to, null, size, 0));
  if (copied >= 0) return copied;
  const error = new SystemCallError("copy_file_range", koffi.errno(), "");
  if (["EXDEV", "EINVAL", "ENOSYS", "EOPNOTSUPP", "ENOTSUP", "EPERM"].includes(error.code)) return;
  throw error;
}
