/** An OAuth error response (RFC 6749 section 5.2), with the values of the request that the message and the remedy contain. */
export interface Refusal {
  readonly leg: 'authenticate' | 'exchange' | 'redeem';
  readonly grant: 'client_credentials' | 'token exchange' | 'jwt-bearer';
  /** The path of the option with the credential that was sent, such as `idp.credential`. */
  readonly option: string;
  /** Empty if a response with the status 401 has no error code. */
  readonly error: string;
  readonly errorDescription?: string | undefined;
  readonly status: number;
  readonly issuer: string;
  readonly clientId: string;
  readonly server?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly secrets?: readonly string[] | undefined;
  /** How far the peer's clock is ahead of ours, in seconds, if the response has a Date header. */
  readonly clockSkewSeconds?: number | undefined;
  /**
   * How the client authenticated: by a JWT, which a peer refuses if the clocks differ too much, by a shared secret, in another way,
   * or not at all.
   */
  readonly authentication?: 'signed' | 'secret' | 'other' | 'none' | undefined;
  /** The names of the parameters that were sent. */
  readonly sent?: readonly string[] | undefined;
  /** Whether the request is part of a flow that uses the IdP. Default true. */
  readonly usesIdp?: boolean | undefined;
  /** Whether the token endpoint is configured, so that the metadata of the issuer was not read. */
  readonly isEndpointPinned?: boolean | undefined;
  /** Whether the request had a DPoP proof. */
  readonly proofSent?: boolean | undefined;
}
