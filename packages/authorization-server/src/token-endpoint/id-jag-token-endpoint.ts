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
  markDpopProofUsed,
  type VerifiedProof,
  verifyDpopProof,
} from '@credence/protocol';
import { z } from 'zod';
import { AuditTimeout, callAudit, callCallback } from '../grant/callback.ts';
import { type PresentedClient, presentedClient } from '../grant/client-credentials.ts';
import { parameterList, type Parameters, requiredParameter, scopeParameter } from '../grant/parameters.ts';
import { GrantRefusal, serverFailure } from '../grant/refusal.ts';
import { requestSecrets } from '../grant/request-secrets.ts';
import { type GrantFacts, grantedRecord, refusedRecord, type RequestFacts } from '../redeem/audit.ts';
import { checkRedemptionRules, redemptionRulesSchema, type RedemptionRules } from '../redeem/options.ts';
import { decideRedemption, type Redemption, type RedemptionRequest, tokenResponseBody } from '../redeem/redemption.ts';
import { redemptionSteps } from '../redeem/steps.ts';
import { errorResponse, methodNotAllowed, tokenResponse } from './answers.ts';
import { readParameters } from './parameters.ts';

const { step } = redemptionSteps;

const DEFAULT_MAX_BODY_BYTES = 64 * 1024;

/** The rules for ID-JAGs, and how this authorization server authenticates clients and issues access tokens. */
export interface IdJagTokenEndpointOptions extends RedemptionRules {
  /** This authorization server's issuer identifier: the audience of every ID-JAG. */
  readonly issuer: string;
  /**
   * Authenticates the client by its registration at this server, and checks that it may use the grant. Returns the client's
   * id, or undefined or null if the authentication fails; the client then gets `invalid_client`. Compare secrets in
   * constant time. May throw GrantRefusal, for example `unauthorized_client`.
   */
  readonly authenticateClient: (client: PresentedClient, request: Request) => Awaitable<string | null | undefined>;
  /**
   * The request header in which a TLS-terminating proxy sends the verified client certificate, for clients that authenticate
   * with a certificate (RFC 8705). `authenticateClient` then gets the method `tls_client_auth`. The proxy must remove this
   * header from the requests of clients. Otherwise anybody can authenticate as any client. Default: none.
   */
  readonly clientCertificateHeader?: string | undefined;
  /**
   * Issues the access token for a redemption, in the format that this server's resource servers accept; see
   * `accessTokenClaims` for a JWT. If it throws, the client gets `server_error`.
   */
  readonly issueAccessToken: (redemption: Redemption) => Awaitable<string>;
  /**
   * Enables DPoP (RFC 9449) and the grant `urn:ietf:params:oauth:grant-type:jwt-dpop`. `tokenEndpoint` is the URL to which
   * clients send their requests. Default: proofs are ignored, and ID-JAGs that are bound to a key are refused.
   */
  readonly dpop?: (DpopOptions & { readonly tokenEndpoint: string }) | undefined;
  /** The largest body that is accepted, in bytes. Default: 65536. */
  readonly maxBodyBytes?: number | undefined;
  /**
   * Called with the error that caused a `server_error`, such as an error of a callback. The audit record only contains the
   * name of the callback. Not awaited. Default: the error is dropped.
   */
  readonly onError?: ((error: unknown) => void) | ((error: unknown) => Promise<void>) | undefined;
}

/**
 * Creates a token endpoint that redeems ID-JAGs, for any authorization server. Your callbacks authenticate the client and
 * issue the access token; everything else is the same as in `addIdJagGrant`. The handler responds to every POST, and with
 * `unsupported_grant_type` to other grant types. Use `expressIdJag` or `honoIdJag` if your token endpoint also has other
 * grant types.
 *
 * Throws a TypeError for invalid options.
 *
 * @example
 * <!-- from examples/web-standard.ts#authorization-server -->
 * ```ts
 * const { privateKey, publicKey } = await generateKeyPair('ES256');
 * const publicJwk = { ...(await exportJWK(publicKey)), kid: 'as-2026', alg: 'ES256', use: 'sig' };
 * const tokenEndpoint = `${issuer}/token`;
 * const idJag = idJagTokenEndpoint({
 *   issuer,
 *   issuers: { [idp.issuer]: {} },
 *   resources: { [resource]: { scopes: ['issues:read', 'issues:write'], requireDpop: true } },
 *   allowPublicClients: true,
 *   authenticateClient: ({ method, clientId }) => (method === 'none' && clientId === 'bot-at-as' ? clientId : undefined),
 *   issueAccessToken: (redemption) =>
 *     new SignJWT(accessTokenClaims(redemption, issuer))
 *       .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid, typ: 'at+jwt' })
 *       .sign(privateKey),
 *   dpop: { tokenEndpoint, nonces: dpopNonces() },
 * });
 * const authorizationServer = new Hono();
 * authorizationServer.post('/token', honoIdJag(idJag));
 * authorizationServer.get('/jwks', (context) => context.json({ keys: [publicJwk] }));
 * authorizationServer.get('/.well-known/oauth-authorization-server', (context) =>
 *   context.json(
 *     withIdJagMetadata(
 *       { issuer, token_endpoint: tokenEndpoint, jwks_uri: `${issuer}/jwks`, grant_types_supported: [] },
 *       { dpop: {} },
 *     ),
 *   ),
 * );
 * ```
 */
export function idJagTokenEndpoint(options: IdJagTokenEndpointOptions): (request: Request) => Promise<Response> {
  checkOptions(options);
  const now = options.now ?? (() => new Date());
  const proofs = options.dpop?.replay ?? memoryReplayStore({ now });

  return async (request) => {
    if (request.method !== 'POST') return methodNotAllowed();
    const outcome = await redemptionSteps.run({}, async () => redeem(options, request, proofs, now()));
    try {
      if (!outcome.ok) throw outcome.error;
      const { value } = outcome;
      // If the grant cannot be recorded, the request is refused.
      await callAudit(() => options.audit?.(grantedRecord(value.requestFacts, value.grantFacts, now())));
      return tokenResponse(value.body);
    } catch (error) {
      const refusal = toRefusal(error);
      if (refusal.error === 'server_error') reportError(options, refusal);
      const { error: code, reason } = refusal;
      const facts = outcome.ok ? outcome.value.requestFacts : outcome.facts;
      const record = refusedRecord(facts, { error: code, reason }, now());
      // An error of audit must not change the refusal.
      const recorded = callAudit(() => options.audit?.(record)).catch((failure: unknown) =>
        reportError(options, failure),
      );
      // After a record that took too long, the client does not wait for this one.
      if (!(error instanceof AuditTimeout)) await recorded;
      return errorResponse(refusal, request, error instanceof DpopProofError ? error.nonce : undefined);
    }
  };
}

const FUNCTION_NAME = 'idJagTokenEndpoint';

const optionsSchema = redemptionRulesSchema.extend({
  // RFC 8414 section 2.
  issuer: z
    .string()
    .refine(
      (issuer) => judgeConfiguredUrl(issuer).fault === undefined && !/[?#]/u.test(issuer),
      'is not an https URL without query and fragment (or http on loopback)',
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
  checkShape(FUNCTION_NAME, optionsSchema, options);
  checkRedemptionRules(FUNCTION_NAME, options, options.issuer);
  checkDpopOptions(FUNCTION_NAME, options.dpop);
}

/** Calls `onError`. An error of it must not change the response, and a rejection must not end the process. */
function reportError({ onError }: IdJagTokenEndpointOptions, failure: unknown): void {
  try {
    const result: unknown = onError?.(failure instanceof GrantRefusal ? (failure.cause ?? failure) : failure);
    if (result instanceof Promise) result.catch(() => undefined);
  } catch {}
}

async function redeem(
  options: IdJagTokenEndpointOptions,
  request: Request,
  proofs: ReplayStore,
  now: Date,
): Promise<{ body: Record<string, unknown>; requestFacts: RequestFacts; grantFacts: GrantFacts }> {
  const parameters = await readParameters(request, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
  const client = presentedClient(request.headers, parameters, options.clientCertificateHeader);
  const { headers } = request;
  const secrets = requestSecrets(
    { authorization: headers.get('authorization'), dpop: headers.get('dpop') },
    parameters,
  );
  const clientId = await step({ claimedClientId: client.clientId, secrets }, async () =>
    authenticateClient(options, request, client),
  );
  const initialFacts = { clientId, secrets };
  const tokenRequest = await step(initialFacts, async () =>
    readRequest(options, request, parameters, { clientId, proofs, now }),
  );
  const { redemption, requestFacts, grantFacts } = await decideRedemption(
    tokenRequest,
    options,
    options.issuer,
    initialFacts,
  );
  const accessToken = await step(requestFacts, async () => issueAccessToken(options, redemption));
  return { body: tokenResponseBody(redemption, accessToken), requestFacts, grantFacts };
}

async function authenticateClient(
  options: IdJagTokenEndpointOptions,
  request: Request,
  client: PresentedClient,
): Promise<string> {
  if (client.method === 'none' && options.allowPublicClients !== true) {
    throw new GrantRefusal('invalid_client', 'a client must authenticate to redeem an ID-JAG');
  }
  const clientId: unknown = await callCallback('authenticateClient', () => options.authenticateClient(client, request));
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
    markProofUsed: () => (proof === undefined ? Promise.resolve() : markDpopProofUsed(proof, proofs, clientId)),
  };
}

async function issueAccessToken(options: IdJagTokenEndpointOptions, redemption: Redemption): Promise<string> {
  const accessToken: unknown = await callCallback('issueAccessToken', () => options.issueAccessToken(redemption));
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
    return new GrantRefusal(
      'temporarily_unavailable',
      error.message,
      `replay_unknown: ${error.detail ?? 'the replay store failed'}`,
    );
  }
  // The message of an unexpected error can contain secrets, so only its name is recorded.
  return serverFailure(error instanceof Error ? cleanText(error.name) : 'an unexpected failure', error);
}
