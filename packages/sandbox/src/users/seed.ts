import type { UserOptions } from './options.ts';

/** The users of the sandbox, with their grants at the start. */
export const USERS: Readonly<Record<string, UserOptions>> = {
  alice: {
    grants: {
      issues: { default: ['issues:read'], onRequest: ['issues:write'] },
      documents: ['documents:read'],
    },
  },
  bob: { grants: { issues: ['issues:read', 'issues:write'] } },
  mallory: {},
};
