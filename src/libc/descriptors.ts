import { libc, succeeded } from "./libc.ts";

const fcntl = libc.func("int fcntl(int fd, int command, ...)");
const setFlags = 2;

/** Has a descriptor stay open in the program that takes this one's place. @throws {SystemCallError} */
export function keepOpen(descriptor: number): void {
  succeeded(fcntl(descriptor, setFlags, "int", 0), "fcntl", `${descriptor}`);
}
