import type { ClientCredential } from '../credentials/credential.ts';
import type { DpopKeys } from '../dpop/dpop-keys.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';

/** The validated options of the identity provider. */
export interface IdpSettings {
  readonly issuer: string;
  readonly url: URL;
  readonly credential: ClientCredential;
  readonly subject: SubjectTokenSource;
  /** Undefined: discovered from the issuer's metadata. */
  readonly tokenEndpoint?: string | undefined;
  readonly actor?: SubjectTokenSource | undefined;
  /** Additional form parameters of the exchange, such as a tenant. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

/** The validated options of one MCP server. */
export interface ServerSettings {
  readonly name: string;
  readonly url: URL;
  readonly flow: 'enterprise-managed' | 'client-credentials' | 'workload-identity';
  /** The authorization server's issuer, or `discover`. */
  readonly issuer: string;
  readonly credential: ClientCredential;
  /** Undefined: no scope is requested, and the IdP grants its default. */
  readonly scopes?: readonly string[] | undefined;
  readonly stepUp: readonly string[];
  /** Undefined: discovered from the server's metadata. */
  readonly resource?: string | undefined;
  /**
   * The `audience` parameter: of the exchange, if the IdP requires another value than the authorization server's issuer, or of the
   * token request of a flow without the IdP.
   */
  readonly audience?: string | undefined;
  readonly tokenEndpoint?: string | undefined;
  readonly authorizationDetails?: readonly Readonly<Record<string, unknown>>[] | undefined;
  /** The assertion of `workload-identity`. Undefined for the other flows. */
  readonly assertion?: SubjectTokenSource | undefined;
  readonly missingResource: 'accept' | 'warn' | 'refuse';
  readonly excessScopes: 'refuse' | 'accept';
  /** Whether the token request that redeems an ID-JAG contains the scopes of the ID-JAG. */
  readonly redeemScope: 'send' | 'omit';
  /** Whether the token requests to the authorization server contain `resource`. */
  readonly resourceParameter: 'send' | 'omit';
  readonly dpop?: DpopKeys | undefined;
}
