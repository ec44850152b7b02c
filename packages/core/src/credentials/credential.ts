/** A token request that is about to be sent. A credential adds its client authentication to it. */
export interface ClientAuthenticationRequest {
  /**
   * The configured issuer that the credential belongs to: the audience of a client assertion. The issuer is never read
   * from metadata.
   */
  readonly issuer: string;
  /** The URL that the request is sent to. */
  readonly tokenEndpoint: string;
  /** The form body; add parameters here. */
  readonly body: URLSearchParams;
  /** The request's headers; add Authorization here. */
  readonly headers: Headers;
  /**
   * The time in milliseconds since the epoch: of our wall clock, or of the issuer's clock if the Date headers of its responses have
   * shown another time.
   */
  readonly nowMs: number;
  /** Aborted if the request is no longer needed or the time limit has passed. */
  readonly signal?: AbortSignal | undefined;
  /** Call it for a problem that does not make the authentication fail. It becomes an event. */
  readonly warn?: ((warning: CredentialWarning) => void) | undefined;
}

/** A problem of a credential that can still be used, for example because its file cannot be read any more. */
export interface CredentialWarning {
  /** The problem, in one sentence. */
  readonly message: string;
  /** What to do, in one sentence. */
  readonly remedy: string;
}

/** The client authentication at the token endpoint of one issuer (RFC 6749 section 2.3). */
export interface ClientCredential {
  /** The name of the method in `token_endpoint_auth_methods_supported`: `private_key_jwt`, `client_secret_basic`, `none`, ... */
  readonly method: string;
  /** The client id at the issuer that this credential belongs to. */
  readonly clientId: string;
  /** The environment variable that the key or secret comes from, for messages. */
  readonly variable?: string | undefined;
  /** The path of the file that the key or secret is read from, for messages. */
  readonly file?: string | undefined;
  /**
   * Adds the authentication to one request. This method is called for every attempt. Throws a `CredenceError` of the
   * leg `configure`.
   */
  authenticate(request: ClientAuthenticationRequest): void | Promise<void>;
  /**
   * Identifies the key or secret that the next request would use, such as the content of its file. It is the same for the same key in
   * one process, and contains nothing of it. After an issuer has refused a client, requests pause; a new fingerprint ends the pause.
   * If the method is missing or returns undefined, two credential objects count as two keys.
   */
  fingerprint?(): Promise<string | undefined>;
}
