import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import type { SigningKeys } from '../../keys/signing-keys.ts';
import type { IdJagRequest } from '../policy.ts';

/** Who a subject token stands for. */
export type VerifiedSubject = Pick<IdJagRequest, 'subject' | 'subjectKind' | 'claims'>;

export interface SubjectTokenContext {
  readonly provider: Provider;
  /** The authenticated client. */
  readonly client: TokenEndpointGrantContext['oidc']['client'];
  readonly signingKeys: SigningKeys;
  /** Of the verified DPoP proof on this request. */
  readonly dpopThumbprint: string | undefined;
  /** The subject identifier of a service principal. */
  readonly principalSubject: (clientId: string) => string | Promise<string>;
  readonly now: Date;
}

/** Verifies one type of subject token (RFC 8693 section 3). Throws GrantRefusal `invalid_grant`. */
export type SubjectTokenVerifier = (token: string, context: SubjectTokenContext) => Promise<VerifiedSubject>;
