import type { Access } from "../access.ts";

/** Everybody may do everything. */
export const openAccess: Access = {
  identify: async ({ address }) => ({ user: undefined, address }),
  allows: () => true,
  challenge: () => 'Basic realm="amphora"',
  anonymous: true,
};
