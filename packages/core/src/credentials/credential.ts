/** What a token request is about to be sent with, for a credential to add its client authentication to. */
export interface ClientAuthenticationRequest {
  /** The configured issuer the credential belongs to: the audience of a client assertion. Never from metadata. */
  readonly issuer: string;
  /** The URL that the request is sent to. */
  readonly tokenEndpoint: string;
  /** The form body; add parameters here. */
  readonly body: URLSearchParams;
  /** The request's headers; add Authorization here. */
  readonly headers: Headers;
  /** Wall clock, milliseconds since the epoch. */
  readonly nowMs: number;
}

/** How a client proves who it is at a token endpoint (RFC 6749 section 2.3). It belongs to one issuer. */
export interface ClientCredential {
  /** As registered in `token_endpoint_auth_methods_supported`: `private_key_jwt`, `client_secret_basic`, `none`, ... */
  readonly method: string;
  /** The client id at the issuer that this credential belongs to. */
  readonly clientId: string;
  /** Adds the authentication to one request; called again for every attempt. Throws `CredenceError` of leg `configure`. */
  authenticate(request: ClientAuthenticationRequest): void | Promise<void>;
}
