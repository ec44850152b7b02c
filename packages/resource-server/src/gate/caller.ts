import { z } from 'zod';

/** Who calls a tool, as the access token says. */
export interface Caller {
  /**
   * `sub`: the account at the authorization server. Undefined where the token is the client's own, as introspection says
   * it: `clientId` is then all there is, and it is no account's name.
   */
  readonly subject: string | undefined;
  /** The authorization server that says so. `issuer` and `subject` together name the caller. */
  readonly issuer: string;
  /** The client that sent the request: software, where `subject` is on whose account. */
  readonly clientId: string;
  /** The scopes of the token; empty where it has none. */
  readonly scopes: readonly string[];
  /** The claim `groups`; empty where the token has none. */
  readonly groups: readonly string[];
  /** The claim `roles`; empty where the token has none. */
  readonly roles: readonly string[];
  /** `act` (RFC 8693 section 4.1): who uses the subject's access. */
  readonly actor?: Readonly<Record<string, unknown>>;
  /** `tenant`: that of the identity provider in which the subject is, where the authorization server says it. */
  readonly tenant?: string;
  /** `aud_tenant`: the tenant of the authorization server, where it says it. */
  readonly audienceTenant?: string;
  /** RFC 9396. */
  readonly authorizationDetails: readonly { readonly type: string; readonly [member: string]: unknown }[];
  /** Whether the token is bound to a key, and the request proved to be by its holder (RFC 9449). */
  readonly proven: boolean;
  /** When the token expires. */
  readonly expiresAt: Date;
  /** Everything the token or the introspection answer says. */
  readonly claims: Readonly<Record<string, unknown>>;
}

const authInfoSchema = z.object({
  clientId: z.string(),
  scopes: z.array(z.string()),
  expiresAt: z.number(),
  extra: z.object({
    subject: z.string().optional(),
    issuer: z.string(),
    groups: z.array(z.string()).default([]),
    roles: z.array(z.string()).default([]),
    actor: z.record(z.string(), z.unknown()).optional(),
    authorizationDetails: z.array(z.looseObject({ type: z.string() })).default([]),
    dpopThumbprint: z.string().optional(),
    claims: z.record(z.string(), z.unknown()),
  }),
});

/** Where the SDKs put it: v1 into the handler's `extra`, v2 into the `http` of its context. */
const extraSchema = z.union([
  z.object({ authInfo: authInfoSchema }).transform(({ authInfo }) => authInfo),
  z.object({ http: z.object({ authInfo: authInfoSchema }) }).transform(({ http }) => http.authInfo),
]);

/**
 * The caller, from what a tool handler of MCP SDK v1 or v2 gets besides its arguments. Throws a TypeError where there
 * is none: nothing that `accessTokenVerifier` made stood before the handler.
 */
export function callerOf(extra: unknown): Caller {
  const { data } = extraSchema.safeParse(extra);
  if (data === undefined) {
    throw new TypeError('callerOf: no verified access token; the server needs accessTokenVerifier or accessTokenGate');
  }
  const { subject, issuer, groups, roles, actor, authorizationDetails, dpopThumbprint, claims } = data.extra;
  return {
    subject,
    issuer,
    clientId: data.clientId,
    scopes: data.scopes,
    groups,
    roles,
    ...(actor !== undefined && { actor }),
    ...(typeof claims['tenant'] === 'string' && { tenant: claims['tenant'] }),
    ...(typeof claims['aud_tenant'] === 'string' && { audienceTenant: claims['aud_tenant'] }),
    authorizationDetails,
    proven: dpopThumbprint !== undefined,
    expiresAt: new Date(data.expiresAt * 1000),
    claims,
  };
}
