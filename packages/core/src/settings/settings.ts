import type { ClientCredential } from '../credentials/credential.ts';
import type { DpopKeys } from '../dpop/dpop-keys.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';

/** The identity provider as the flows need it: validated options. */
export interface IdpSettings {
  readonly issuer: string;
  readonly url: URL;
  readonly credential: ClientCredential;
  readonly subject: SubjectTokenSource;
  /** Pinned; otherwise from the issuer's metadata. */
  readonly tokenEndpoint?: string | undefined;
  readonly actor?: SubjectTokenSource | undefined;
  /** Further form parameters of the exchange, such as a tenant. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

/** One MCP server as the flows need it: validated options. */
export interface ServerSettings {
  readonly name: string;
  readonly url: URL;
  readonly flow: 'enterprise-managed' | 'client-credentials' | 'workload-identity';
  /** The authorization server's issuer, or `discover`. */
  readonly issuer: string;
  readonly credential: ClientCredential;
  /** Undefined: the IdP's default grant. */
  readonly scopes?: readonly string[] | undefined;
  readonly stepUp: readonly string[];
  /** Pinned; otherwise from the server's metadata. */
  readonly resource?: string | undefined;
  /** `audience` of the exchange, where the IdP wants something else than the authorization server's issuer. */
  readonly audience?: string | undefined;
  readonly tokenEndpoint?: string | undefined;
  readonly authorizationDetails?: readonly Readonly<Record<string, unknown>>[] | undefined;
  /** The assertion of `workload-identity`. */
  readonly assertion?: SubjectTokenSource | undefined;
  readonly missingResource: 'accept' | 'warn' | 'refuse';
  readonly dpop?: DpopKeys | undefined;
}
