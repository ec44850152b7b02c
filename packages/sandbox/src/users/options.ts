import type { ScopeGrant } from '@credence/identity-provider';
import { scope } from '@credence/protocol';
import { z } from 'zod';

/** A user of the sandbox. */
export interface UserOptions {
  /** The groups of the user. The user also has the grants of these groups. */
  readonly groups?: readonly string[];
  /** The scopes that the user holds, by server. A list is granted to requests that name no scope, too. */
  readonly grants?: Readonly<Record<string, ScopeGrant>>;
}

/** Options of `sandbox.userToken`. */
export interface UserTokenOptions {
  /** The service principal to whose client the token is issued: an IdP exchanges an ID token only for its audience. Default: the first one. */
  principal?: string;
  /** The lifetime in seconds. A negative number makes a token that has expired. Default 300. */
  lifetimeSeconds?: number;
}

const scopes = z.array(scope);

export const usersSchema = z.record(
  z.string(),
  z.strictObject({
    groups: z.array(z.string()).optional(),
    grants: z
      .record(
        z.string(),
        z.union([scopes, z.strictObject({ default: scopes.optional(), onRequest: scopes.optional() })]),
      )
      .optional(),
  }),
);
