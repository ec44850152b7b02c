import type { ServicePrincipal } from '@credence/core';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { BearerTokens } from '../shared/bearer-tokens.ts';
import { Burst } from './burst.ts';

/**
 * After a 401 the SDK sends a token request of its own and continues only after a response. This `data:` URL contains the
 * response, so no request is sent to an authorization server. The placeholder in it is never used: the SDK calls `tokens()`
 * for the next request.
 */
const INLINE_TOKEN_ENDPOINT = `data:application/json,${encodeURIComponent(
  JSON.stringify({ access_token: 'held-by-the-service-principal', token_type: 'Bearer' }),
)}`;

/** Newer versions of the SDK want an https URL as token endpoint. No host has this name (RFC 6761 section 6.4). */
const PLACEHOLDER_ENDPOINT = 'https://credence.invalid/';

/**
 * An auth provider for code that accepts only an auth provider (`MultiServerMCPClient`, frameworks that create the
 * transport themselves). The provider returns the principal's access tokens, replaces a refused token once for all calls,
 * and throws a `CredenceError` if the server refuses every token, also for event streams.
 *
 * Its limits, which `connectMcp` and `mcpTransport` do not have: bearer tokens only, no step-up, no limits on the
 * bodies of responses, a call that is cancelled while it waits for its token is still sent, and refused calls wait up to two seconds for each
 * other. The SDK calls a provider only after a 401: if a server answers 403 to a revoked token, calls fail with the error of the SDK until the
 * token expires or `bot.invalidate` drops it. `@ai-sdk/mcp` cannot send a refused call again; it fails with a retryable `CredenceError`. Throws
 * `unknown_server`.
 */
export function mcpAuthProvider(bot: ServicePrincipal, server: string | URL): OAuthClientProvider {
  return new PrincipalAuthProvider(new BearerTokens(bot, server));
}

class PrincipalAuthProvider implements OAuthClientProvider {
  readonly #tokens: BearerTokens;
  readonly #burst = new Burst();

  constructor(tokens: BearerTokens) {
    this.#tokens = tokens;
  }

  /** Undefined, so that the SDK does not start a login of a user. */
  get redirectUrl(): undefined {
    return undefined;
  }

  get clientMetadata(): OAuthClientMetadata {
    return { client_name: 'credence', redirect_uris: [] };
  }

  async tokens(): Promise<OAuthTokens> {
    const { value, scopes } = await this.#tokens.present();
    return { access_token: value, token_type: 'Bearer', ...(scopes.length > 0 && { scope: scopes.join(' ') }) };
  }

  /** The first method that every version of `auth()` calls after a 401. The new token is acquired here. */
  async validateResourceURL(): Promise<undefined> {
    this.#burst.arrived();
    await this.#tokens.replaceRefused();
    return undefined;
  }

  /** `auth()` of the SDK calls this before its token request. */
  async prepareTokenRequest(): Promise<URLSearchParams> {
    await this.#burst.over(() => this.#tokens.outstanding());
    return new URLSearchParams();
  }

  /** With this the SDK sends no request for metadata. Versions before 1.27 do not call it. */
  async discoveryState(): Promise<OAuthDiscoveryState> {
    const issuer = await this.#tokens.issuer();
    return {
      authorizationServerUrl: issuer,
      resourceMetadata: { resource: this.#tokens.url.href },
      authorizationServerMetadata: {
        issuer,
        authorization_endpoint: PLACEHOLDER_ENDPOINT,
        token_endpoint: PLACEHOLDER_ENDPOINT,
        response_types_supported: [],
      },
    };
  }

  async clientInformation(): Promise<OAuthClientInformationMixed> {
    return { client_id: 'credence', issuer: await this.#tokens.issuer() };
  }

  /** Changes the URL of the token request, which the SDK passes before it sends the request. It is the only way in all versions. */
  addClientAuthentication(_headers: Headers, _params: URLSearchParams, url: string | URL): void {
    if (url instanceof URL) url.href = INLINE_TOKEN_ENDPOINT;
  }

  /** Only @ai-sdk/mcp calls this. It has no way to continue with a token that it did not request itself. */
  validateAuthorizationServerURL(): never {
    throw this.#tokens.replacedForNextCall();
  }

  saveTokens(): void {}

  redirectToAuthorization(): never {
    throw new Error('A service principal has no user to redirect.');
  }

  saveCodeVerifier(): never {
    throw new Error('A service principal uses no authorization code.');
  }

  codeVerifier(): never {
    throw new Error('A service principal uses no authorization code.');
  }

  /** The provider may be printed with a configuration that contains it, so the output has only the name of the server. */
  toJSON(): Record<string, string> {
    return { server: this.#tokens.server };
  }
}
