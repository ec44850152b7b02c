import {
  allowsAlgorithm,
  cleanText,
  isSigningAlgorithm,
  issuerKeys,
  KeysUnavailableError,
  mediaType,
  type ProtectedHeader,
  readConfirmation,
  verifyWithKeys,
} from '@credence/protocol';
import { GrantRefusal } from '@credence/authorization-server';
import { type CryptoKey, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import {
  CLOCK_TOLERANCE_SECONDS,
  headerOf,
  invalidSubjectToken,
  type SubjectTokenContext,
  type SubjectTokenVerifier,
} from './subject-token.ts';
import { DEFAULT_WORKLOAD_LIFETIME_SECONDS, matchingRule, type WorkloadPlatform } from './workload-platform.ts';

/** The longest token that is accepted, in characters. */
const MAX_TOKEN_LENGTH = 16 * 1024;

/**
 * Verifies a JWT that a registered platform issued to the workload in which the client runs. The principal is that of the client
 * in the matching rule. It is never taken from the token's `sub`, which is a name of the platform and not of this provider.
 */
export const workloadJwt: SubjectTokenVerifier = async (token, context) => {
  if (token.length > MAX_TOKEN_LENGTH)
    throw invalidSubjectToken(`the workload token is larger than ${MAX_TOKEN_LENGTH} characters`);
  const header = workloadHeader(token);
  const { issuer, platform } = platformOf(token, context);
  if (!allowsAlgorithm(platform.algorithms, header.alg))
    throw invalidSubjectToken('the signature algorithm is not allowed');
  const keys = await keysOf(issuer, platform, header, context);
  const claims = await verifiedClaims(token, keys, header.alg, { issuer, platform, context });
  checkTimes(claims, platform, context);
  checkConfirmation(claims, context.dpopThumbprint);

  const workload = { issuer, ...(typeof claims.sub === 'string' && { subject: cleanText(claims.sub) }) };
  const rules = platform.workloads.filter(({ clientId }) => clientId === context.client.clientId);
  if (matchingRule(rules, claims) === undefined) {
    throw invalidSubjectToken(
      `no rule in workloads matches the workload ${workload.subject ?? ''} of ${issuer} for this client`,
    );
  }
  return {
    subject: await context.principalSubject(context.client.clientId),
    subjectKind: 'principal',
    claims,
    workload,
  };
};

function workloadHeader(token: string): ProtectedHeader {
  const header = headerOf(token, 'the workload token');
  // an ID-JAG, an access token or a logout token has another typ; SPIFFE uses JOSE
  if (header.typ !== undefined && !['jwt', 'jose'].includes(mediaType(header.typ) ?? ''))
    throw invalidSubjectToken('the token is another kind of JWT');
  if (!isSigningAlgorithm(header.alg)) {
    throw invalidSubjectToken('the signature algorithm is not allowed');
  }
  return header;
}

function platformOf(
  token: string,
  { workloadPlatforms }: SubjectTokenContext,
): { issuer: string; platform: WorkloadPlatform } {
  let issuer: unknown;
  try {
    issuer = decodeJwt(token).iss;
  } catch {
    throw invalidSubjectToken('the workload token is not a signed JWT');
  }
  const known = typeof issuer === 'string' && Object.hasOwn(workloadPlatforms, issuer);
  const platform = known ? workloadPlatforms[issuer as string] : undefined;
  if (typeof issuer !== 'string' || platform === undefined) {
    throw invalidSubjectToken(
      `${typeof issuer === 'string' ? cleanText(issuer) : 'an issuer that is not a string'} is not a registered platform`,
    );
  }
  return { issuer, platform };
}

async function keysOf(
  issuer: string,
  { jwks, jwksUri }: WorkloadPlatform,
  header: ProtectedHeader,
  { fetch, now }: SubjectTokenContext,
): Promise<CryptoKey[]> {
  try {
    const keys = await issuerKeys({ issuer, jwks, jwksUri, fetch }, header, now.getTime());
    if (keys.length > 0) return keys;
  } catch (error) {
    if (!(error instanceof KeysUnavailableError)) throw error;
    throw new GrantRefusal(
      'temporarily_unavailable',
      'the subject token cannot be verified at the moment',
      `the keys of ${cleanText(issuer)} cannot be fetched: ${error.message}`,
    );
  }
  throw invalidSubjectToken(`${cleanText(issuer)} does not publish the signing key`);
}

async function verifiedClaims(
  token: string,
  keys: readonly CryptoKey[],
  alg: string,
  { issuer, platform, context }: { issuer: string; platform: WorkloadPlatform; context: SubjectTokenContext },
): Promise<JWTPayload> {
  const audience = platform.audience ?? context.provider.issuer;
  try {
    const verified = await verifyWithKeys(keys, (key) =>
      jwtVerify(token, key, {
        algorithms: [alg],
        issuer,
        audience,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: context.now,
        requiredClaims: ['exp'],
      }),
    );
    if (verified === undefined) throw invalidSubjectToken('the signature is not valid');
    const { aud } = verified.payload;
    // with two audiences, the other audience could send the token to this provider
    if (Array.isArray(aud) && aud.length !== 1)
      throw invalidSubjectToken('the workload token is also for another audience');
    return verified.payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw invalidSubjectToken('the workload token has expired');
    if (error instanceof errors.JWTClaimValidationFailed) {
      throw invalidSubjectToken(`the workload token's ${error.claim} is invalid`);
    }
    if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
      throw invalidSubjectToken('the workload token is not a signed JWT');
    }
    throw error;
  }
}

/** Checks `iat` and the lifetime; jwtVerify has checked `exp` and `nbf`. Without `iat` (SPIFFE) the lifetime counts from now. */
function checkTimes(
  { iat, exp = Number.POSITIVE_INFINITY }: JWTPayload,
  { maxLifetimeSeconds = DEFAULT_WORKLOAD_LIFETIME_SECONDS }: WorkloadPlatform,
  { now }: SubjectTokenContext,
): void {
  const present = now.getTime() / 1000;
  if (iat !== undefined && (!Number.isFinite(iat) || iat > present + CLOCK_TOLERANCE_SECONDS)) {
    throw invalidSubjectToken('the workload token was issued in the future');
  }
  if (exp - (iat ?? present) > maxLifetimeSeconds) {
    throw invalidSubjectToken('the workload token has a longer lifetime than is accepted from its platform');
  }
}

/** Refuses unknown kinds of `cnf` (RFC 7800). If they were ignored, everyone who has a bound token could use it. */
function checkConfirmation({ cnf }: JWTPayload, dpopThumbprint: string | undefined): void {
  if (cnf === undefined) return;
  const { thumbprint } = readConfirmation(cnf);
  if (thumbprint === undefined) {
    throw invalidSubjectToken('the workload token is bound to a key in a way that is not supported');
  }
  if (thumbprint !== dpopThumbprint)
    throw invalidSubjectToken('the workload token is bound to a key that was not proven');
}
