/** Where the page's files are once they are built. The bundle has a folder of its own (scripts/bundle-program.ts). */
export const pageFolder: string | URL = new URL("./client/", import.meta.url);
