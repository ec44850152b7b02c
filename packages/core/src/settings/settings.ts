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

/** Limits on the bodies of calls to an MCP server, in bytes. */
export interface CallLimits {
  /** The largest body of a response that is not an event stream, after decompression. Default 16,777,216 (16 MiB). */
  readonly bodyBytes: number;
  /** The largest event of an event stream, after decompression. The stream as a whole may be endless. Default 16,777,216 (16 MiB). */
  readonly eventBytes: number;
  /**
   * The largest body of a `Request` that is passed to the fetch of a server. It is read into memory, so that it can be sent again with
   * another token. Default 16,777,216 (16 MiB).
   */
  readonly requestBytes: number;
}

/** The limits of a server without options for them. A tool result with a file of 12 MB in base64 is within them. */
export const DEFAULT_CALL_LIMITS: CallLimits = {
  bodyBytes: 16 * 1024 * 1024,
  eventBytes: 16 * 1024 * 1024,
  requestBytes: 16 * 1024 * 1024,
};

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
  readonly limits: CallLimits;
}
