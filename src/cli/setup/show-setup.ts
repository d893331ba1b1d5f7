import type { ClientSetup } from "./client-setup.ts";

/** All of it as text: every file under its path, then what else there is to know. */
export function showSetup({ files, notes }: ClientSetup): string {
  const parts = files.map(({ path, text }) => `# ${path}\n${text}`);
  return `${[...parts, showNotes(notes)].join("\n")}`;
}

/** As comments, so that what is printed stays readable by what it is for. */
export function showNotes(notes: readonly string[]): string {
  return notes.map((note) => `# ${note}\n`).join("");
}
