import type { ServicePrincipal } from '@credence/core';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { BearerTokens } from '../shared/bearer-tokens.ts';
import { Burst } from './burst.ts';

/** A URI that is not an http URL, so that no version of the SDK can send a request to it. */
const NOWHERE = 'urn:credence:service-principal';

/**
 * After a 401 the SDK sends a token request of its own and continues only after a response. This `data:` URL contains the
 * response, so no request is sent to an authorization server. The placeholder in it is never used: the SDK calls `tokens()`
 * for the next request.
 */
const INLINE_TOKEN_ENDPOINT = `data:application/json,${encodeURIComponent(
  JSON.stringify({ access_token: 'held-by-the-service-principal', token_type: 'Bearer' }),
)}`;

/**
 * An auth provider for code that accepts only an auth provider (`MultiServerMCPClient`, frameworks that create the
 * transport themselves). The provider returns the principal's access tokens, replaces a refused token once for all calls,
 * and throws a `CredenceError` if the server refuses every token, also for event streams.
 *
 * Its limits, which `connectMcp` and `mcpTransport` do not have: bearer tokens only, no step-up, a call that is cancelled while it
 * waits for its token is still sent, and refused calls wait up to two seconds for each other. Throws `unknown_server`.
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

  /** `auth()` of the SDK calls this before its token request. The new token is acquired here. */
  async prepareTokenRequest(): Promise<URLSearchParams> {
    this.#burst.arrived();
    await this.#tokens.replaceRefused();
    await this.#burst.over(() => this.#tokens.outstanding());
    return new URLSearchParams();
  }

  discoveryState(): OAuthDiscoveryState {
    return {
      authorizationServerUrl: NOWHERE,
      resourceMetadata: { resource: NOWHERE },
      authorizationServerMetadata: {
        issuer: NOWHERE,
        authorization_endpoint: NOWHERE,
        token_endpoint: INLINE_TOKEN_ENDPOINT,
        response_types_supported: [],
      },
    };
  }

  clientInformation(): OAuthClientInformationMixed {
    return { client_id: 'credence', issuer: NOWHERE };
  }

  async validateResourceURL(): Promise<undefined> {
    return undefined;
  }

  addClientAuthentication(): void {}

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
