import { type FetchLike, type NetworkTrust, SCOPE_TOKEN } from '@credence/protocol';
import type { CryptoKeyPair } from 'oauth4webapi';
import { z } from 'zod';
import type { ClientCredential } from '../credentials/credential.ts';
import type { CredenceEvent } from '../runtime/events.ts';
import type { RetryOptions, TimeoutOptions } from '../runtime/runtime.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import type { Clock } from '../time/clock.ts';
import type { TokenStore } from '../store/token-store.ts';

/** The organisation's identity provider, and how the principal authenticates there. */
export interface IdpOptions {
  /** The IdP's issuer identifier, exactly as its metadata spells it. */
  issuer: string;
  /** How the principal proves itself there. */
  credential: ClientCredential;
  /** What the IdP exchanges. Default: `ownToken()`. */
  subject?: SubjectTokenSource | undefined;
  /** Pins the token endpoint; otherwise it is discovered. */
  tokenEndpoint?: string | undefined;
  /** Who acts for the subject (RFC 8693 section 2.1, `actor_token`). */
  actor?: SubjectTokenSource | undefined;
  /** Further form parameters of the exchange, such as a tenant. They cannot replace the protocol's own. */
  parameters?: Readonly<Record<string, string>> | undefined;
}

/** One MCP server, its authorization server, and how the principal gets a token for it. */
export interface McpServerOptions {
  /** The MCP server's URL. */
  url: string;
  /**
   * The issuer of the server's authorization server, which the credential was registered with. `discover` trusts what the
   * server's metadata names first.
   */
  issuer: string;
  /** How the principal proves itself at that authorization server. */
  credential: ClientCredential;
  /**
   * The scopes to request. If set, no other scope can be requested, except those in `stepUp`. Default: no scope is requested,
   * and the IdP grants its default; `token(name, { scopes })` can then request any scope.
   */
  scopes?: readonly string[] | undefined;
  /** The scopes that a 403 challenge may add to `scopes`. Default: none. */
  stepUp?: readonly string[] | undefined;
  /** Default `enterprise-managed`, which needs an `idp`; the others go past the IdP and must be written out. */
  flow?: 'enterprise-managed' | 'client-credentials' | 'workload-identity' | undefined;
  /** Pins the resource identifier (RFC 9728); otherwise it is discovered. */
  resource?: string | undefined;
  /** `audience` of the exchange, where the IdP wants something else than the issuer. */
  audience?: string | undefined;
  /** Pins the token endpoint of the authorization server. */
  tokenEndpoint?: string | undefined;
  /** RFC 9396. */
  authorizationDetails?: readonly Readonly<Record<string, unknown>>[] | undefined;
  /** The JWT that `workload-identity` presents. */
  assertion?: SubjectTokenSource | undefined;
  /** What to do about an ID-JAG that names no resource. Default `warn`; the resource is sent at redemption in any case. */
  missingResource?: 'accept' | 'warn' | 'refuse' | undefined;
  /** Binds tokens to this key (RFC 9449); see `generateDpopKeyPair`. */
  dpop?: CryptoKeyPair | undefined;
}

/** Receives every event. What it throws, or rejects with, is ignored. */
export type CredenceEventListener = (event: CredenceEvent) => void;

/** Options of `ServicePrincipal`: who the principal is, which MCP servers it reaches, and how. */
export interface ServicePrincipalOptions {
  /** The identity provider. Required by every server whose flow is `enterprise-managed`, which is the default. */
  idp?: IdpOptions | undefined;
  /** The MCP servers, by names of your choosing. */
  servers: Readonly<Record<string, McpServerOptions>>;
  /** Where tokens are kept beyond this principal's memory. Default: nowhere. */
  store?: TokenStore | undefined;
  /** Access tokens kept in memory; beyond `maxTokens` the one used least recently goes. Default 10,000. */
  cache?: { maxTokens?: number } | undefined;
  /** Sends every request. Default: the global fetch. */
  fetch?: FetchLike | undefined;
  /** Tells the time. Default: the system's clocks. A test gives its own. */
  clock?: Clock | undefined;
  /** How often a failed request is sent again, and after which pauses. What is left out keeps its default. */
  retry?: Partial<RetryOptions> | undefined;
  /** How long a request and a whole acquisition may take. What is left out keeps its default. */
  timeout?: Partial<TimeoutOptions> | undefined;
  /** What the network rules may be relaxed to. Default: https only, but for loopback. */
  network?: NetworkTrust | undefined;
  /** Told what happens, one or several; what they throw is ignored. */
  onEvent?: CredenceEventListener | readonly CredenceEventListener[] | undefined;
}

const text = z.string().trim().min(1, 'is empty');
const scopeList = z.array(z.string().regex(SCOPE_TOKEN, 'is no scope token (RFC 6749 section 3.3)')).readonly();
const milliseconds = z.number().int().min(0).max(3_600_000);

const credential = z.custom<ClientCredential>(
  (value) => hasMethods(value, 'authenticate') && 'clientId' in value && typeof value.clientId === 'string',
  'is no credential: use privateKeyJwt, clientSecret, clientAssertion or noClientAuth',
);
const subject = z.custom<SubjectTokenSource>(
  (value) => hasMethods(value, 'get') && 'type' in value,
  'is no subject token source: use ownToken, fromIdToken, fromRefreshToken or fromWorkloadToken',
);

const listener = z.custom<CredenceEventListener>((value) => typeof value === 'function', 'is no function');

const idp = z.strictObject({
  issuer: text,
  credential,
  subject: subject.optional(),
  tokenEndpoint: text.optional(),
  actor: subject.optional(),
  parameters: z.record(z.string(), z.string()).optional(),
});

const server = z.strictObject({
  url: text,
  issuer: text,
  credential,
  scopes: scopeList.refine((scopes) => scopes.length > 0, 'is empty: leave it out for the default grant').optional(),
  stepUp: scopeList.optional(),
  flow: z.enum(['enterprise-managed', 'client-credentials', 'workload-identity']).optional(),
  resource: text.optional(),
  audience: text.optional(),
  tokenEndpoint: text.optional(),
  authorizationDetails: z.array(z.record(z.string(), z.unknown())).optional(),
  assertion: subject.optional(),
  missingResource: z.enum(['accept', 'warn', 'refuse']).optional(),
  dpop: z
    .custom<CryptoKeyPair>(
      (value) => typeof value === 'object' && value !== null && 'privateKey' in value && 'publicKey' in value,
      'is no CryptoKeyPair: use generateDpopKeyPair()',
    )
    .optional(),
});

/** The shape of the options; what the values mean is checked where they are used. */
export const optionsSchema = z.strictObject({
  idp: idp.optional(),
  servers: z
    .record(z.string().regex(/^[\w.-]{1,64}$/u, 'is no name: letters, digits, "_", "-" and "."'), server)
    .refine((servers) => Object.keys(servers).length > 0, 'names no server'),
  store: z
    .custom<TokenStore>((value) => hasMethods(value, 'get', 'set', 'delete', 'lease'), 'is no TokenStore')
    .optional(),
  cache: z
    .strictObject({ maxTokens: z.number().int().min(1).max(10_000_000) })
    .partial()
    .optional(),
  fetch: z.custom<FetchLike>((value) => typeof value === 'function', 'is no function').optional(),
  clock: z.custom<Clock>((value) => hasMethods(value, 'wallMs', 'monotonicMs'), 'is no Clock').optional(),
  retry: z
    .strictObject({
      retries: z.number().int().min(0).max(10),
      minDelayMs: milliseconds,
      maxDelayMs: milliseconds,
      maxRetryAfterMs: milliseconds,
    })
    .partial()
    .optional(),
  timeout: z
    .strictObject({ requestMs: milliseconds.min(1), totalMs: milliseconds.min(1) })
    .partial()
    .optional(),
  network: z.strictObject({ allowHttp: z.boolean(), allowPrivateAddresses: z.boolean() }).partial().optional(),
  onEvent: z.union([listener, z.array(listener)], 'is no function, nor a list of them').optional(),
});

function hasMethods(value: unknown, ...names: string[]): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  );
}
