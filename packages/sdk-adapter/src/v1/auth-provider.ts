import type { ServicePrincipal } from '@credence/core';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { BearerTokens } from '../shared/bearer-tokens.ts';
import { Burst } from './burst.ts';

/** Names no authorization server: nothing could be sent there if a version of the SDK tried. */
const NOWHERE = 'urn:credence:service-principal';

/**
 * After a 401 the SDK wants to make a token request of its own and goes on only when it has an answer. This is one, in the
 * URL itself: no authorization server is asked, and the placeholder in it is never presented (`tokens()` is asked again).
 */
const INLINE_TOKEN_ENDPOINT = `data:application/json,${encodeURIComponent(
  JSON.stringify({ access_token: 'held-by-the-service-principal', token_type: 'Bearer' }),
)}`;

/**
 * An auth provider for code that takes nothing else (`MultiServerMCPClient`, frameworks that make the transport themselves):
 * it presents the principal's tokens, replaces the one that was refused once for all calls that found it refused, and ends an
 * endless 401, event streams included, in one `CredenceError`.
 *
 * Its limits, which `connectMcp` and `mcpTransport` do not have: bearer tokens only, no step-up, a call that is cancelled
 * while its token is fetched still runs, and a burst of refused calls waits for its stragglers. Throws `unknown_server`.
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

  /** None: the SDK then knows that nobody has to log in. */
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

  /** Where `auth()` prepares the request for another token: here it is really obtained. */
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
    throw new Error('A service principal has nobody to redirect.');
  }

  saveCodeVerifier(): never {
    throw new Error('A service principal uses no authorization code.');
  }

  codeVerifier(): never {
    throw new Error('A service principal uses no authorization code.');
  }

  /** A configuration that holds the provider gets printed: nothing of the principal is in it. */
  toJSON(): Record<string, string> {
    return { server: this.#tokens.server };
  }
}
