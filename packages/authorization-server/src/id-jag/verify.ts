import {
  allowsAlgorithm,
  checkList,
  decodeAssertion,
  identityOf,
  type IdJag,
  IdJagError,
  issuerKeys,
  KeysUnavailableError,
  type ProtectedHeader,
  readClaims,
  quoted,
  sameResource,
  verifyWithKeys,
} from '@credence/protocol';
import { compactVerify, type CompactVerifyResult, type CryptoKey, errors } from 'jose';
import { checkIdJagOptions, type VerifyIdJagOptions } from './options.ts';
import { reserveOnce } from './replay.ts';
export const DEFAULT_CLOCK_TOLERANCE_SECONDS = 5;
const DEFAULT_MAX_LIFETIME_SECONDS = 3600;

/**
 * Verifies an ID-JAG that a client presents to an authorization server
 * (draft-ietf-oauth-identity-assertion-authz-grant, RFC 7523 section 3).
 *
 * Key sets are fetched from trusted issuers only. Key sets are cached for ten minutes and then renewed in the background. An
 * unknown `kid` causes an earlier renewal, at a limited rate. While the issuer does not answer, a key set is used for up to
 * a day.
 *
 * Throws {@link IdJagError} if the ID-JAG is refused: its `code` names the check that failed, and its `oauthError` is the
 * error to send to the client. Throws a TypeError for invalid options.
 *
 * @example
 * <!-- from examples/verify-id-jag.ts#verify -->
 * ```ts
 * try {
 *   const { subject, groups, scopes } = await verifyIdJag(assertion, {
 *     issuers: { 'https://acme.idp.example': { jwks: idp.publicJwks() } }, // or {}: keys by discovery
 *     audience: 'https://as.example',
 *     clientId: authenticatedClientId,
 *     resources: ['https://mcp.example/mcp'],
 *     dpopThumbprint: proofThumbprint, // the key thumbprint of the verified DPoP proof, if one was sent
 *   });
 *   return { status: 200, subject, groups, scopes };
 * } catch (error) {
 *   if (!(error instanceof IdJagError)) throw error;
 *   // `code` and `detail` are for the audit record, `message` is for the client
 *   return {
 *     status: error.oauthError === 'temporarily_unavailable' ? 503 : 400,
 *     error: error.oauthError,
 *     code: error.code,
 *   };
 * }
 * ```
 */
export async function verifyIdJag(assertion: string, options: VerifyIdJagOptions): Promise<IdJag> {
  checkIdJagOptions('verifyIdJag', options, options.audience);
  checkList('verifyIdJag', 'resources', options.resources);
  const idJag = await checkIdJag(assertion, options);
  const { replay, clockToleranceSeconds: toleranceSeconds = DEFAULT_CLOCK_TOLERANCE_SECONDS, now } = options;
  if (typeof replay === 'object') await reserveOnce(idJag, replay.singleUse, { toleranceSeconds, now });
  return idJag;
}

/** Makes every check except the replay policy, so that a caller can make further checks before it marks the ID-JAG as used. */
export async function checkIdJag(assertion: string, options: VerifyIdJagOptions): Promise<IdJag> {
  if (typeof assertion !== 'string') throw new IdJagError('malformed', 'not a string');
  const now = (options.now?.() ?? new Date()).getTime();
  const { header, claims } = decodeAssertion(assertion);
  const issuer = unverifiedIssuer(claims);
  const trusted = Object.hasOwn(options.issuers, issuer) ? options.issuers[issuer] : undefined;
  if (trusted === undefined) throw new IdJagError('issuer_not_trusted', quoted(issuer));
  if (!allowsAlgorithm(trusted.algorithms, header.alg)) {
    throw new IdJagError('algorithm_not_allowed', `alg is ${quoted(header.alg)}, of ${issuer}`);
  }

  const { jwks, jwksUri } = trusted;
  const found = issuerKeys({ issuer, jwks, jwksUri, fetch: options.fetch }, header, now);
  const keys = Array.isArray(found) ? found : await translateFailure(found, issuer);
  if (keys.length === 0) throw new IdJagError('unknown_key', keyName(issuer, header));
  let verified: CompactVerifyResult | undefined;
  try {
    verified = await verifyWithKeys(keys, (key) => compactVerify(assertion, key, { algorithms: [header.alg] }));
  } catch (error) {
    if (error instanceof errors.JWSInvalid) throw new IdJagError('malformed');
    throw error;
  }
  if (verified === undefined) throw new IdJagError('bad_signature', keyName(issuer, header));
  try {
    const idJag = readClaims(claims, {
      audience: options.audience,
      clientId: options.clientId,
      trusted,
      audienceTenant: options.audienceTenant,
      clockToleranceSeconds: options.clockToleranceSeconds ?? DEFAULT_CLOCK_TOLERANCE_SECONDS,
      maxLifetimeSeconds: options.maxLifetimeSeconds ?? DEFAULT_MAX_LIFETIME_SECONDS,
      now: now / 1000,
    });
    checkResources(idJag, options.resources);
    checkBinding(idJag, options.dpopThumbprint);
    return idJag;
  } catch (error) {
    if (!(error instanceof IdJagError)) throw error;
    throw new IdJagError(error.code, error.detail, identityOf(claims));
  }
}

function unverifiedIssuer({ iss }: Readonly<Record<string, unknown>>): string {
  if (iss === undefined) throw new IdJagError('missing_claim', 'iss');
  if (typeof iss !== 'string') throw new IdJagError('invalid_claim', 'iss');
  return iss;
}

async function translateFailure(keys: Promise<CryptoKey[]>, issuer: string): Promise<CryptoKey[]> {
  try {
    return await keys;
  } catch (error) {
    if (!(error instanceof KeysUnavailableError)) throw error;
    throw new IdJagError('keys_unavailable', `${issuer}: ${error.message}`);
  }
}

/** The key that the header names, for the error detail. */
function keyName(issuer: string, { kid }: ProtectedHeader): string {
  return `kid ${quoted(kid)} of ${issuer}`;
}

function checkResources(idJag: IdJag, served: readonly string[] | undefined): void {
  if (served === undefined || idJag.resources.length === 0) return;
  const foreign = idJag.resources.filter((resource) => !served.some((each) => sameResource(each, resource)));
  if (foreign.length > 0) throw new IdJagError('wrong_resource', `found ${quoted(foreign)}`);
}

function checkBinding(idJag: IdJag, dpopThumbprint: string | undefined): void {
  if (idJag.confirmationThumbprint === undefined) return;
  if (dpopThumbprint === undefined) throw new IdJagError('proof_required');
  if (idJag.confirmationThumbprint !== dpopThumbprint) throw new IdJagError('proof_mismatch');
}
