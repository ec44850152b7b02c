/** The token endpoint of an issuer. */
export interface TokenEndpoint {
  readonly issuer: string;
  readonly url: string;
  /** The path of the option that pins the URL. Undefined if the URL was discovered. */
  readonly option?: string | undefined;
  /** The path of the option that can pin the URL. Undefined if that option is already set, or if no option exists. */
  readonly pin?: string | undefined;
  /** The configured URL of the peer whose metadata contains the URL. Undefined if the URL is pinned. */
  readonly configuredUrl?: URL | undefined;
}
