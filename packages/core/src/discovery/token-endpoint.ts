/** Where an issuer's token requests are sent. */
export interface TokenEndpoint {
  readonly issuer: string;
  readonly url: string;
  /** The option that pins the URL, where one does. */
  readonly option?: string | undefined;
  /** The configured URL whose owner named the URL; undefined where it is pinned. */
  readonly anchor?: URL | undefined;
}
