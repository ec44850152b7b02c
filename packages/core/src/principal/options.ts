import { cleanText, type FetchLike, invalidProxyVariable, type NetworkTrust, SCOPE_TOKEN } from '@credence/protocol';
import type { CryptoKeyPair } from 'oauth4webapi';
import { z } from 'zod';
import type { ClientCredential } from '../credentials/credential.ts';
import type { CredenceEvent } from '../runtime/events.ts';
import type { PrincipalLimits, RetryOptions, TimeoutOptions } from '../runtime/runtime.ts';
import type { CallLimits } from '../settings/settings.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import type { Clock } from '../time/clock.ts';
import type { TokenStore } from '../store/token-store.ts';

/** The organisation's identity provider, and how the principal authenticates there. */
export interface IdpOptions {
  /** The IdP's issuer identifier, exactly as in its metadata. */
  issuer: string;
  /** The credential of the principal at the IdP. */
  credential: ClientCredential;
  /** The source of the subject token that the IdP exchanges. Default: `ownToken()`. */
  subject?: SubjectTokenSource | undefined;
  /** Pins the token endpoint. Default: discovered from metadata. */
  tokenEndpoint?: string | undefined;
  /** The source of the `actor_token`, which identifies who acts for the subject (RFC 8693 section 2.1). */
  actor?: SubjectTokenSource | undefined;
  /** Additional form parameters of the exchange, such as a tenant. Parameters that Credence sets are refused here. */
  parameters?: Readonly<Record<string, string>> | undefined;
}

/** One MCP server, its authorization server, and how the principal gets a token for it. */
export interface McpServerOptions {
  /** The MCP server's URL. */
  url: string;
  /**
   * The issuer of the server's authorization server, where the credential is registered. With `discover` the issuer is the one that
   * the server's metadata names; if it names another one later, that is refused with `issuer_changed`.
   */
  issuer: string;
  /** The credential of the principal at that authorization server. */
  credential: ClientCredential;
  /**
   * The scopes to request. If set, no other scope can be requested, except those in `stepUp`. Default: no scope is requested,
   * and the IdP grants its default; `token(name, { scopes })` can then request any scope.
   */
  scopes?: readonly string[] | undefined;
  /** The scopes that a 403 challenge may add to `scopes`. Default: none. */
  stepUp?: readonly string[] | undefined;
  /** Default `enterprise-managed`, which needs an `idp`. The other flows request the token without the IdP. */
  flow?: 'enterprise-managed' | 'client-credentials' | 'workload-identity' | undefined;
  /** Pins the resource identifier (RFC 9728). Default: discovered from metadata. */
  resource?: string | undefined;
  /**
   * The `audience` parameter. In the flow `enterprise-managed` it is a parameter of the exchange; default: the issuer. In the other flows
   * it is a parameter of the token request, which some authorization servers require; default: none.
   */
  audience?: string | undefined;
  /** Pins the token endpoint of the authorization server. Default: discovered from metadata. */
  tokenEndpoint?: string | undefined;
  /** The `authorization_details` to request (RFC 9396): at the exchange, or with the token request of a flow without the IdP. */
  authorizationDetails?: readonly Readonly<Record<string, unknown>>[] | undefined;
  /** The source of the JWT that is the assertion of the flow `workload-identity`. */
  assertion?: SubjectTokenSource | undefined;
  /**
   * What happens if an ID-JAG has no `resource` claim: `accept` it, `warn` by an event, or `refuse` it. Default `warn`. Only for the
   * flow `enterprise-managed`.
   */
  missingResource?: 'accept' | 'warn' | 'refuse' | undefined;
  /**
   * What happens if the IdP or the authorization server grants a scope that is neither requested nor in `scopes` or `stepUp`: `refuse`
   * with `excess_scope`, or `accept` it with a warning event. Scopes are compared as strings. Default `refuse`. Without `scopes`, and
   * without scopes in the call of `token`, every scope is accepted.
   */
  excessScopes?: 'refuse' | 'accept' | undefined;
  /**
   * Whether the token request that redeems an ID-JAG contains the scopes of the ID-JAG. Default `send`: some authorization servers
   * issue only the scopes of the request. `omit` is for those that refuse the parameter. Only for the flow `enterprise-managed`.
   */
  redeemScope?: 'send' | 'omit' | undefined;
  /**
   * Whether the token requests to the authorization server contain the `resource` parameter (RFC 8707). Default `send`. `omit` is for
   * those that refuse the parameter. The exchange at the IdP contains it in every case.
   */
  resourceParameter?: 'send' | 'omit' | undefined;
  /** The key to which tokens are bound (RFC 9449); see `generateDpopKeyPair`. */
  dpop?: CryptoKeyPair | undefined;
  /** Limits on the bodies of calls to this server. A missing value is that of `limits` of the principal. */
  limits?: Partial<CallLimits> | undefined;
}

/** A function that receives every event. An error that it throws or rejects with is ignored. */
export type CredenceEventListener = (event: CredenceEvent) => void;

/** Options of `ServicePrincipal`: the identity of the principal, the MCP servers that it calls, and how. */
export interface ServicePrincipalOptions {
  /** The identity provider. Required by every server whose flow is `enterprise-managed`, which is the default. */
  idp?: IdpOptions | undefined;
  /** The MCP servers, by names that you choose. */
  servers: Readonly<Record<string, McpServerOptions>>;
  /** A store of tokens that several processes of the bot share. Default: tokens are stored only in the memory of this principal. */
  store?: TokenStore | undefined;
  /**
   * Whether `close()` revokes the valid tokens of this principal (RFC 7009), for at most five seconds, at the authorization servers whose
   * metadata has a `revocation_endpoint`. Cannot be combined with `store`, whose tokens other processes use. Default false.
   */
  revokeOnClose?: boolean | undefined;
  /**
   * At most `maxTokens` access tokens are cached in memory; the least recently used is removed first. Default 10,000. `maxUserTokens` is the
   * same limit for the tokens of all users (`onBehalfOf`) together, one for each user and server. Default 1,000.
   */
  cache?: { maxTokens?: number; maxUserTokens?: number } | undefined;
  /** The function that sends every request. Default: the global fetch. */
  fetch?: FetchLike | undefined;
  /**
   * `environment`: requests go through the proxy that the environment variables HTTPS_PROXY and HTTP_PROXY name, except to the hosts in
   * NO_PROXY. The fetch of Node.js 20 does not read these variables. Cannot be combined with `fetch`.
   */
  proxy?: 'environment' | undefined;
  /** The clock. Default: the clocks of the system. A test can replace it. */
  clock?: Clock | undefined;
  /** How often a failed request is sent again, and after which pauses. A missing value has its default. */
  retry?: Partial<RetryOptions> | undefined;
  /** The time limits of a request and of a whole acquisition. A missing value has its default. */
  timeout?: Partial<TimeoutOptions> | undefined;
  /** Limits that are not time limits. Those of {@link CallLimits} are for every server without its own. A missing value has its default. */
  limits?: Partial<PrincipalLimits & CallLimits> | undefined;
  /** Which URLs are allowed in addition. Default: https URLs, and http URLs of loopback. */
  network?: NetworkTrust | undefined;
  /**
   * A name for this principal in its events, metrics and audit records, for example that of the tenant. At most 256 characters, without
   * control and invisible ones. It is written to logs and metrics: do not use a secret. Default: none.
   */
  label?: string | undefined;
  /** One or several functions that receive the events. An error that such a function throws is ignored. */
  onEvent?: CredenceEventListener | readonly CredenceEventListener[] | undefined;
}

const text = z.string().trim().min(1, 'is empty');
const scopeList = z.array(z.string().regex(SCOPE_TOKEN, 'is not a scope token (RFC 6749 section 3.3)')).readonly();
const milliseconds = z.number().int().min(0).max(3_600_000);

const bytes = z
  .number()
  .int()
  .min(1_024)
  .max(2 ** 31);
const callLimits = { bodyBytes: bytes, eventBytes: bytes, requestBytes: bytes };

const credential = z.custom<ClientCredential>(
  (value) => hasMethods(value, 'authenticate') && 'clientId' in value && typeof value.clientId === 'string',
  'is not a credential: use privateKeyJwt, clientSecret, clientAssertion or noClientAuth',
);
const subject = z.custom<SubjectTokenSource>(
  (value) => hasMethods(value, 'get') && 'type' in value,
  'is not a subject token source: use ownToken, fromIdToken, fromRefreshToken or fromWorkloadToken',
);

const MAX_LABEL = 256;
const label = z
  .string()
  .refine(
    isLabel,
    `is not a label: use 1 to ${MAX_LABEL} characters, without control and invisible ones, and no token`,
  );

/** Whether a text can be a label: it is the same after it was cleaned. */
function isLabel(value: string): boolean {
  return value !== '' && value.length <= MAX_LABEL && cleanText(value, { max: MAX_LABEL }) === value;
}

const listener = z.custom<CredenceEventListener>((value) => typeof value === 'function', 'is not a function');

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
  scopes: scopeList
    .refine((scopes) => scopes.length > 0, 'is empty: leave it out for the default of the IdP')
    .optional(),
  stepUp: scopeList.optional(),
  flow: z.enum(['enterprise-managed', 'client-credentials', 'workload-identity']).optional(),
  resource: text.optional(),
  audience: text.optional(),
  tokenEndpoint: text.optional(),
  authorizationDetails: z.array(z.record(z.string(), z.unknown())).optional(),
  assertion: subject.optional(),
  missingResource: z.enum(['accept', 'warn', 'refuse']).optional(),
  excessScopes: z.enum(['refuse', 'accept']).optional(),
  redeemScope: z.enum(['send', 'omit']).optional(),
  resourceParameter: z.enum(['send', 'omit']).optional(),
  dpop: z
    .custom<CryptoKeyPair>(
      (value) => typeof value === 'object' && value !== null && 'privateKey' in value && 'publicKey' in value,
      'is not a CryptoKeyPair: use generateDpopKeyPair()',
    )
    .optional(),
  limits: z.strictObject(callLimits).partial().optional(),
});

/** Checks the types of the options. `settingsFromOptions` checks the values. */
export const optionsSchema = z
  .strictObject({
    idp: idp.optional(),
    servers: z
      .record(z.string().regex(/^[\w.-]{1,64}$/u, 'is not a valid name: use letters, digits, "_", "-" and "."'), server)
      .refine((servers) => Object.keys(servers).length > 0, 'contains no server'),
    store: z
      .custom<TokenStore>((value) => hasMethods(value, 'get', 'set', 'delete', 'lease'), 'is not a TokenStore')
      .optional(),
    revokeOnClose: z.boolean().optional(),
    cache: z
      .strictObject({
        maxTokens: z.number().int().min(1).max(10_000_000),
        maxUserTokens: z.number().int().min(1).max(10_000_000),
      })
      .partial()
      .optional(),
    fetch: z.custom<FetchLike>((value) => typeof value === 'function', 'is not a function').optional(),
    proxy: z
      .literal('environment')
      .refine(() => invalidProxyVariable() === undefined, {
        error: () => `cannot be used: the value of ${invalidProxyVariable()} is not an http or https URL`,
      })
      .optional(),
    clock: z.custom<Clock>((value) => hasMethods(value, 'wallMs', 'monotonicMs'), 'is not a Clock').optional(),
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
    limits: z
      .strictObject({ concurrentAcquisitions: z.number().int().min(1).max(10_000), ...callLimits })
      .partial()
      .optional(),
    network: z.strictObject({ allowHttp: z.boolean(), allowPrivateAddresses: z.boolean() }).partial().optional(),
    label: label.optional(),
    onEvent: z.union([listener, z.array(listener)], 'is not a function or a list of functions').optional(),
  })
  .refine(({ fetch, proxy }) => fetch === undefined || proxy === undefined, {
    path: ['proxy'],
    error: 'cannot be combined with fetch, which decides by itself how requests are sent',
  });

function hasMethods(value: unknown, ...names: string[]): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  );
}
