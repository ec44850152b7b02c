import {
  type Awaitable,
  callback,
  checkDpopOptions,
  checkShape,
  cleanText,
  type DpopOptions,
  DpopProofError,
  GRANT_JWT_BEARER,
  GRANT_JWT_DPOP,
  judgeConfiguredUrl,
  memoryReplayStore,
  ProofReplayUnknownError,
  type ReplayStore,
  spendDpopProof,
  type VerifiedProof,
  verifyDpopProof,
} from '@credence/protocol';
import { z } from 'zod';
import { calling, recording } from '../grant/callback.ts';
import { type PresentedClient, presentedClient } from '../grant/client-credentials.ts';
import { parameterList, type Parameters, requiredParameter, scopeParameter } from '../grant/parameters.ts';
import { GrantRefusal, serverFailure } from '../grant/refusal.ts';
import { type GrantedRedemption, grantedRecord, type KnownRedemption, refusedRecord } from '../redeem/audit.ts';
import { checkRedemptionRules, redemptionRulesSchema, type RedemptionRules } from '../redeem/options.ts';
import { decideRedemption, type Redemption, type RedemptionRequest, tokenAnswer } from '../redeem/redemption.ts';
import { redemptionSteps } from '../redeem/steps.ts';
import { granted, notAllowed, refused } from './answers.ts';
import { readParameters } from './parameters.ts';

const { step } = redemptionSteps;

const DEFAULT_MAX_BODY_BYTES = 64 * 1024;

/** The rules for ID-JAGs, and what an authorization server has of its own: its clients, and its access tokens. */
export interface IdJagTokenEndpointOptions extends RedemptionRules {
  /** This authorization server's issuer identifier: the audience of every ID-JAG. */
  readonly issuer: string;
  /**
   * Whether the client is who it says, by the registrations this server has, and may use the grant: the client's id, or
   * undefined or null, which answers `invalid_client`. Compare secrets in constant time. May throw GrantRefusal
   * (`unauthorized_client`).
   */
  readonly authenticateClient: (client: PresentedClient, request: Request) => Awaitable<string | null | undefined>;
  /**
   * The request header in which the proxy that ends TLS names the client certificate it has verified, for clients that
   * authenticate by one (RFC 8705): `authenticateClient` is then given `tls_client_auth`. The proxy must remove the header
   * from what clients send, or anybody is any client. Default: none.
   */
  readonly clientCertificateHeader?: string | undefined;
  /**
   * Makes the access token that the redemption says, in whatever form this server's resource servers know; see
   * `accessTokenClaims` for a JWT. Where it throws, `server_error` is answered.
   */
  readonly issueAccessToken: (redemption: Redemption) => Awaitable<string>;
  /**
   * DPoP (RFC 9449), and with it the grant `urn:ietf:params:oauth:grant-type:jwt-dpop`. `tokenEndpoint` is the URL
   * clients send to. Default: proofs are not understood, so ID-JAGs that are bound to a key are refused.
   */
  readonly dpop?: (DpopOptions & { readonly tokenEndpoint: string }) | undefined;
  /** The most bytes of a body that are read. Default: 65536. */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Is given what made a request a `server_error`, such as what a callback threw; the audit record only says which
   * callback it was. Not waited for. Default: nobody is.
   */
  readonly onError?: ((error: unknown) => void) | ((error: unknown) => Promise<void>) | undefined;
}

/**
 * A token endpoint that redeems ID-JAGs, for an authorization server of any make: client authentication and the access
 * token are its own, everything between is the same as in `addIdJagGrant`. Answers every POST; other grant types are
 * `unsupported_grant_type`: see `expressIdJag` and `honoIdJag` for an endpoint that has them.
 *
 * Throws a TypeError for options that cannot be meant.
 *
 * @example
 * <!-- from examples/web-standard.ts#authorization-server -->
 * ```ts
 * const signingKeys = await createSigningKeys({ algorithms: ['ES256'] });
 * const tokenEndpoint = `${issuer}/token`;
 * const idJag = idJagTokenEndpoint({
 *   issuer,
 *   issuers: { [idp.issuer]: {} },
 *   resources: { [resource]: { scopes: ['issues:read', 'issues:write'], requireDpop: true } },
 *   allowPublicClients: true,
 *   authenticateClient: ({ method, clientId }) => (method === 'none' && clientId === 'bot-at-as' ? clientId : undefined),
 *   issueAccessToken: (redemption) => signingKeys.sign(accessTokenClaims(redemption, issuer), { typ: 'at+jwt' }),
 *   dpop: { tokenEndpoint, nonces: dpopNonces() },
 * });
 * const authorizationServer = new Hono();
 * authorizationServer.post('/token', honoIdJag(idJag));
 * authorizationServer.get('/jwks', (context) => context.json(signingKeys.publicJwks()));
 * authorizationServer.get('/.well-known/oauth-authorization-server', (context) =>
 *   context.json(withIdJagMetadata({ issuer, token_endpoint: tokenEndpoint, jwks_uri: `${issuer}/jwks` }, { dpop: {} })),
 * );
 * ```
 */
export function idJagTokenEndpoint(options: IdJagTokenEndpointOptions): (request: Request) => Promise<Response> {
  checkOptions(options);
  const now = options.now ?? (() => new Date());
  const proofs = options.dpop?.replay ?? memoryReplayStore({ now });

  return async (request) => {
    if (request.method !== 'POST') return notAllowed();
    const outcome = await redemptionSteps.settled({}, async () => redeem(options, request, proofs, now()));
    try {
      if (!outcome.ok) throw outcome.error;
      const { value } = outcome;
      // A grant that cannot be recorded is not given.
      await recording(() => options.audit?.(grantedRecord(value.known, value.granted, now())));
      return granted(value.body);
    } catch (error) {
      const refusal = toRefusal(error);
      if (refusal.error === 'server_error') tellOwner(options, refusal);
      const { error: code, reason } = refusal;
      const known = outcome.ok ? outcome.value.known : outcome.known;
      const record = refusedRecord(known, { error: code, reason }, now());
      try {
        await recording(() => options.audit?.(record));
      } catch (failure) {
        // A refusal stays what it is.
        tellOwner(options, failure);
      }
      return refused(refusal, request, error instanceof DpopProofError ? error.nonce : undefined);
    }
  };
}

const WHERE = 'idJagTokenEndpoint';

const optionsSchema = redemptionRulesSchema.extend({
  // RFC 8414 section 2.
  issuer: z
    .string()
    .refine(
      (issuer) => judgeConfiguredUrl(issuer).fault === undefined && !/[?#]/u.test(issuer),
      'is no https URL without query and fragment (or http on loopback)',
    ),
  authenticateClient: callback,
  clientCertificateHeader: z
    .string()
    .regex(/^[\w-]+$/u, 'is not the name of a header')
    .optional(),
  issueAccessToken: callback,
  dpop: z.looseObject({ tokenEndpoint: z.url('is not an absolute URL') }).optional(),
  maxBodyBytes: z.int().positive().optional(),
  onError: callback.optional(),
});

function checkOptions(options: IdJagTokenEndpointOptions): void {
  checkShape(WHERE, optionsSchema, options);
  checkRedemptionRules(WHERE, options, options.issuer);
  checkDpopOptions(WHERE, options.dpop);
}

/** A hook that fails must not change the answer, and an asynchronous one must not end the process. */
function tellOwner({ onError }: IdJagTokenEndpointOptions, failure: unknown): void {
  try {
    const told: unknown = onError?.(failure instanceof GrantRefusal ? (failure.cause ?? failure) : failure);
    if (told instanceof Promise) told.catch(() => undefined);
  } catch {}
}

async function redeem(
  options: IdJagTokenEndpointOptions,
  request: Request,
  proofs: ReplayStore,
  now: Date,
): Promise<{ body: Record<string, unknown>; known: KnownRedemption; granted: GrantedRedemption }> {
  const parameters = await readParameters(request, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
  const client = presentedClient(request.headers, parameters, options.clientCertificateHeader);
  const clientId = await step({ claimedClientId: cleanText(client.clientId) }, async () =>
    authenticated(options, request, client),
  );
  const redeeming = await step({ clientId }, async () =>
    readRequest(options, request, parameters, { clientId, proofs, now }),
  );
  const { redemption, known, granted } = await decideRedemption(redeeming, options, options.issuer, { clientId });
  const accessToken = await step(known, async () => issued(options, redemption));
  return { body: tokenAnswer(redemption, accessToken), known, granted };
}

async function authenticated(
  options: IdJagTokenEndpointOptions,
  request: Request,
  client: PresentedClient,
): Promise<string> {
  if (client.method === 'none' && options.allowPublicClients !== true) {
    throw new GrantRefusal('invalid_client', 'a client must authenticate to redeem an ID-JAG');
  }
  const clientId: unknown = await calling('authenticateClient', () => options.authenticateClient(client, request));
  if (typeof clientId !== 'string' || clientId === '') {
    throw new GrantRefusal('invalid_client', 'the client authentication failed');
  }
  return clientId;
}

async function readRequest(
  { dpop }: IdJagTokenEndpointOptions,
  request: Request,
  parameters: Parameters,
  { clientId, proofs, now }: { clientId: string; proofs: ReplayStore; now: Date },
): Promise<RedemptionRequest> {
  const grantType = requiredParameter(parameters, 'grant_type');
  if (grantType !== GRANT_JWT_BEARER && (grantType !== GRANT_JWT_DPOP || dpop === undefined)) {
    throw new GrantRefusal('unsupported_grant_type', 'the grant type is not supported here');
  }
  const proof = await verifiedProof(dpop, request, now);
  if (grantType === GRANT_JWT_DPOP && proof === undefined) {
    throw new GrantRefusal('invalid_grant', 'this grant type needs a DPoP proof');
  }
  return {
    assertion: requiredParameter(parameters, 'assertion'),
    clientId,
    scopes: scopeParameter(parameters),
    resources: parameterList(parameters, 'resource'),
    dpopThumbprint: proof?.thumbprint,
    spendProof: () => (proof === undefined ? Promise.resolve() : spendDpopProof(proof, proofs, clientId)),
  };
}

async function issued({ issueAccessToken }: IdJagTokenEndpointOptions, redemption: Redemption): Promise<string> {
  const accessToken: unknown = await calling('issueAccessToken', () => issueAccessToken(redemption));
  if (typeof accessToken !== 'string' || accessToken === '') throw serverFailure('issueAccessToken returned no token');
  return accessToken;
}

async function verifiedProof(
  dpop: IdJagTokenEndpointOptions['dpop'],
  request: Request,
  now: Date,
): Promise<VerifiedProof | undefined> {
  const proof = request.headers.get('dpop');
  if (proof === null || dpop === undefined) return undefined;
  return verifyDpopProof(proof, { method: 'POST', url: dpop.tokenEndpoint, now }, dpop);
}

function toRefusal(error: unknown): GrantRefusal {
  if (error instanceof GrantRefusal) return error;
  if (error instanceof DpopProofError) return new GrantRefusal(error.error, error.message);
  if (error instanceof ProofReplayUnknownError) {
    return new GrantRefusal('temporarily_unavailable', error.message, `replay_unknown: ${error.detail ?? 'the store'}`);
  }
  // An unexpected failure's message may hold anything; its name cannot.
  return serverFailure(error instanceof Error ? cleanText(error.name) : 'an unexpected failure', error);
}
