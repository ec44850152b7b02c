import { GrantRefusal } from '@credence/authorization-server';
import type { FetchLike } from '@credence/protocol';
import type { ProviderInternals } from '@credence/authorization-server/oidc-provider-internals';
import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import type { SigningKeys } from '../../signing-keys/signing-keys.ts';
import type { IdJagRequest } from '../policy.ts';
import type { WorkloadPlatform } from './workload-platform.ts';

/** Who a subject token stands for. */
export type VerifiedSubject = Pick<
  IdJagRequest,
  'subject' | 'subjectKind' | 'claims' | 'authentication' | 'authorization' | 'workload'
>;

export interface SubjectTokenContext {
  readonly provider: Provider;
  readonly ctx: TokenEndpointGrantContext;
  readonly internals: ProviderInternals;
  /** The authenticated client. */
  readonly client: TokenEndpointGrantContext['oidc']['client'];
  readonly signingKeys: SigningKeys;
  /** Of the verified DPoP proof on this request. */
  readonly dpopThumbprint: string | undefined;
  /** The subject identifier of a service principal. */
  readonly principalSubject: (clientId: string) => Promise<string>;
  /** By issuer. */
  readonly workloadPlatforms: Readonly<Record<string, WorkloadPlatform>>;
  /** For the key sets of workload platforms. */
  readonly fetch: FetchLike | undefined;
  readonly now: Date;
}

/**
 * Verifies one type of subject token (RFC 8693 section 3). Throws GrantRefusal: `invalid_grant`, or
 * `temporarily_unavailable` where the keys to verify it with cannot be had at the moment.
 */
export type SubjectTokenVerifier = (token: string, context: SubjectTokenContext) => Promise<VerifiedSubject>;

export const CLOCK_TOLERANCE_SECONDS = 5;

/** The client learns that the token is not valid, the audit record why. */
export function invalidSubjectToken(reason: string, description = 'the subject token is not valid'): GrantRefusal {
  return new GrantRefusal('invalid_grant', description, reason);
}

/** A token that is bound to a key or a certificate is no token without it (RFC 9449, RFC 8705). */
export function checkBinding(
  token: { jkt?: string | undefined; 'x5t#S256'?: string | undefined; attestationJkt?: string | undefined },
  dpopThumbprint: string | undefined,
): void {
  if (token['x5t#S256'] !== undefined) throw invalidSubjectToken('a certificate-bound subject token is not supported');
  if (token.attestationJkt !== undefined)
    throw invalidSubjectToken('an attestation-bound subject token is not supported');
  if (token.jkt === undefined || token.jkt === dpopThumbprint) return;
  throw invalidSubjectToken(
    dpopThumbprint === undefined
      ? 'the subject token is bound to a key and the request has no DPoP proof'
      : 'the DPoP proof is by another key than the subject token is bound to',
    'the subject token is bound to a key that was not proven',
  );
}
