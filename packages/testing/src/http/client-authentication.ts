import { timingSafeEqual } from 'node:crypto';
import type { PresentedClient } from '@credence/authorization-server';
import type { Clock } from '@credence/core';
import { type JWTPayload, jwtVerify } from 'jose';
import type { ClientSettings } from '../settings/settings.ts';

/** The issuer at which a client authenticates. */
export interface AuthenticatingIssuer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
}

/** Checks the credentials of clients at one issuer. */
export interface ClientAuthenticator {
  /** The client, or why the authentication fails. */
  check(client: PresentedClient): Promise<ClientSettings | string>;
  /** The name of the principal with this client id. Not verified. */
  principalOf(clientId: string | undefined): string | undefined;
}

/** `clients`: the clients that are registered at the issuer. */
export function clientAuthenticator(
  clients: readonly ClientSettings[],
  issuer: AuthenticatingIssuer,
  clock: Clock,
): ClientAuthenticator {
  const usedAssertions = new Set<string>();
  const startMs = clock.wallMs() - clock.monotonicMs();
  const find = (clientId: string | undefined) => clients.find((client) => client.clientId === clientId);
  return {
    principalOf: (clientId) => find(clientId)?.principal,
    async check(presented) {
      const client = find(presented.clientId);
      if (client === undefined) return `no client ${presented.clientId} is registered at ${issuer.issuer}`;
      const fault = await faultOf(presented, client, { issuer, clock, startMs, usedAssertions });
      return fault ?? client;
    },
  };
}

interface Context {
  readonly issuer: AuthenticatingIssuer;
  readonly clock: Clock;
  /** The wall clock when the monotonic clock was 0, in milliseconds since the epoch. */
  readonly startMs: number;
  readonly usedAssertions: Set<string>;
}

async function faultOf(
  presented: PresentedClient,
  client: ClientSettings,
  context: Context,
): Promise<string | undefined> {
  const { clientId, secret, publicKey } = client;
  if (presented.method === 'client_assertion') {
    if (publicKey === undefined) return `the client ${clientId} is not registered with a key`;
    return assertionFault(presented.clientAssertion, client, context);
  }
  if (publicKey !== undefined) return `the client ${clientId} authenticates with private_key_jwt`;
  if (presented.method === 'none') return secret === undefined ? undefined : `the client ${clientId} has a secret`;
  if (presented.method === 'tls_client_auth') return 'client certificates are not supported';
  if (secret === undefined) return `the client ${clientId} is public`;
  return isEqual(presented.clientSecret, secret) ? undefined : 'the client secret is wrong';
}

/** RFC 7523 section 3. Each assertion is accepted once. */
async function assertionFault(jwt: string, { clientId, publicKey }: ClientSettings, context: Context) {
  const { issuer, usedAssertions } = context;
  if (publicKey === undefined) return 'the client has no key';
  // RFC 7523bis: the issuer. Some vendors require the token endpoint or their host name.
  const audience = [issuer.issuer, issuer.tokenEndpoint, new URL(issuer.issuer).host];
  const claims = await assertionClaims(jwt, publicKey, audience, context);
  if (typeof claims === 'string') return claims;
  if (claims.iss !== clientId || claims.sub !== clientId)
    return 'iss and sub of the client assertion are not the client id';
  if (Array.isArray(claims.aud) && claims.aud.length !== 1) return 'the client assertion has several audiences';
  if (claims.jti === undefined || usedAssertions.has(claims.jti))
    return 'the client assertion has no jti, or was used before';
  usedAssertions.add(claims.jti);
  return undefined;
}

/**
 * The verified claims. Besides the clock of the fake, two others count: that of the system, because `advance` does not move the clock of
 * a principal that was not given the clock of the fake; and that of a principal which keeps the time of earlier answers, because a
 * test can set the system's time without letting time pass.
 */
async function assertionClaims(
  jwt: string,
  publicKey: NonNullable<ClientSettings['publicKey']>,
  audience: string[],
  { clock, startMs }: Context,
): Promise<JWTPayload | string> {
  let fault = 'the client assertion is invalid';
  for (const currentDate of [clock.wallMs(), Date.now(), startMs + clock.monotonicMs()].map((ms) => new Date(ms))) {
    try {
      const { payload } = await jwtVerify(jwt, publicKey, {
        audience,
        currentDate,
        clockTolerance: 5,
        requiredClaims: ['exp'],
      });
      return payload;
    } catch (error) {
      fault = `the client assertion is invalid: ${error instanceof Error ? error.message : 'unreadable'}`;
    }
  }
  return fault;
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
