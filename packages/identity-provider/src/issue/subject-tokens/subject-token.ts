import { GrantRefusal } from '@credence/authorization-server';
import { type FetchLike, JoseHeaderError, type ProtectedHeader, protectedHeader } from '@credence/protocol';
import type { ProviderInternals } from '@credence/authorization-server/oidc-provider-internals';
import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import type { SigningKeys } from '../../signing-keys/signing-keys.ts';
import type { IdJagRequest } from '../policy.ts';
import type { WorkloadPlatform } from './workload-platform.ts';

/** The subject of a verified subject token, and the data about it that the policy gets. */
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
  /** Thumbprint of the key of this request's verified DPoP proof. */
  readonly dpopThumbprint: string | undefined;
  /** Returns the subject of a service principal. */
  readonly principalSubject: (clientId: string) => Promise<string>;
  /** The registered workload platforms, by issuer. */
  readonly workloadPlatforms: Readonly<Record<string, WorkloadPlatform>>;
  /** The fetch function for metadata and key sets of workload platforms. */
  readonly fetch: FetchLike | undefined;
  readonly now: Date;
}

/**
 * Verifies one type of subject token (RFC 8693 section 3). Throws GrantRefusal `invalid_grant` for an invalid token, and
 * `temporarily_unavailable` if the keys to verify it cannot be fetched at the moment.
 */
export type SubjectTokenVerifier = (token: string, context: SubjectTokenContext) => Promise<VerifiedSubject>;

export const CLOCK_TOLERANCE_SECONDS = 5;

/** The refusal of a subject token. The client gets `description`; only the audit record gets `reason`. */
export function invalidSubjectToken(reason: string, description = 'the subject token is not valid'): GrantRefusal {
  return new GrantRefusal('invalid_grant', description, reason);
}

/** The protected header of a subject token. `token` is its name in the audit record. Throws GrantRefusal. */
export function headerOf(jws: string, token: string): ProtectedHeader {
  try {
    return protectedHeader(jws);
  } catch (error) {
    if (!(error instanceof JoseHeaderError)) throw error;
    const { member, message } = error;
    throw invalidSubjectToken(
      member === undefined ? `${token} is not a signed JWT` : `the header of ${token}: ${message}`,
    );
  }
}

/** Refuses a token that is bound to a key without a DPoP proof of the key (RFC 9449), or is bound in another way (RFC 8705). */
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
