import { z } from 'zod';

/** The caller of a tool, from the verified access token. */
export interface Caller {
  /**
   * `sub`: the account at the authorization server. Undefined if introspection returned no `sub`, which means that the
   * token was issued to the client itself. Then do not use `clientId` as the name of an account: a client id can equal the
   * name of an account.
   */
  readonly subject: string | undefined;
  /** The issuer identifier of the authorization server. `issuer` and `subject` together identify the caller. */
  readonly issuer: string;
  /** The client that sent the request. The client is the software; `subject` is the account that it acts for. */
  readonly clientId: string;
  /** The scopes of the token; empty if it has none. */
  readonly scopes: readonly string[];
  /** The claim `groups`; empty if the token has none. */
  readonly groups: readonly string[];
  /** The claim `roles`; empty if the token has none. */
  readonly roles: readonly string[];
  /** `act` (RFC 8693 section 4.1): the party that acts for the subject. */
  readonly actor?: Readonly<Record<string, unknown>>;
  /** The id of the run, as the client states it in the header `Credence-Run`. For records only: it is not verified. */
  readonly statedRun?: string;
  /** `tenant`: the subject's tenant at the identity provider, if the token has this claim. */
  readonly tenant?: string;
  /** `aud_tenant`: the tenant of the authorization server, if the token has this claim. */
  readonly audienceTenant?: string;
  /** The claim `authorization_details` (RFC 9396); empty if the token has none. */
  readonly authorizationDetails: readonly { readonly type: string; readonly [member: string]: unknown }[];
  /** Whether the token is bound to a key and the request had a valid proof by that key (RFC 9449). */
  readonly proven: boolean;
  /** When the token expires. */
  readonly expiresAt: Date;
  /** All claims of the token or of the introspection response. */
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
    statedRun: z.string().optional(),
    claims: z.record(z.string(), z.unknown()),
  }),
});

/** The verified token in a tool handler's second argument: `extra.authInfo` in SDK v1, `context.http.authInfo` in v2. */
const extraSchema = z.union([
  z.object({ authInfo: authInfoSchema }).transform(({ authInfo }) => authInfo),
  z.object({ http: z.object({ authInfo: authInfoSchema }) }).transform(({ http }) => http.authInfo),
]);

/**
 * The caller, from the second argument of a tool handler of MCP SDK v1 or v2. Throws a TypeError if there is no verified
 * access token, because no middleware with an `accessTokenVerifier` ran before the handler.
 */
export function callerOf(extra: unknown): Caller {
  const { data } = extraSchema.safeParse(extra);
  if (data === undefined) {
    throw new TypeError('callerOf: no verified access token; the server needs accessTokenVerifier or accessTokenGate');
  }
  const { subject, issuer, groups, roles, actor, authorizationDetails, dpopThumbprint, statedRun, claims } = data.extra;
  return {
    subject,
    issuer,
    clientId: data.clientId,
    scopes: data.scopes,
    groups,
    roles,
    ...(actor !== undefined && { actor }),
    ...(statedRun !== undefined && { statedRun }),
    ...(typeof claims['tenant'] === 'string' && { tenant: claims['tenant'] }),
    ...(typeof claims['aud_tenant'] === 'string' && { audienceTenant: claims['aud_tenant'] }),
    authorizationDetails,
    proven: dpopThumbprint !== undefined,
    expiresAt: new Date(data.expiresAt * 1000),
    claims,
  };
}
