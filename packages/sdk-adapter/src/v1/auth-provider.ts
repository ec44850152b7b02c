import type { ServicePrincipal } from '@credence/core';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { BearerTokens } from '../shared/bearer-tokens.ts';
import { afterRefusal } from '../shared/calling-client.ts';
import { needsFetchOfPrincipal } from '../shared/provider-errors.ts';
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

/** The first requests of a client that is not known are sent with this value, which the server answers with 401. */
const NOT_A_TOKEN = 'not-a-token';
/** `@ai-sdk/mcp` opens an event stream and sends `initialize` at the same time, and ignores the failure of the stream. */
const TEST_REQUESTS = 2;

/**
 * An auth provider for code that accepts only an auth provider (`MultiServerMCPClient`, frameworks that create the
 * transport themselves). The provider returns the principal's access tokens, replaces a refused token once for all calls,
 * and throws a `CredenceError` if the server refuses every token, also for event streams.
 *
 * Its limits, which `connectMcp` and `mcpTransport` do not have: bearer tokens only, no step-up, no limits on the
 * bodies of responses, a call that is cancelled while it waits for its token is still sent, and refused calls wait for each
 * other, at most a second after the last answer of the server. The SDK calls a provider only after a 401: if a server answers 403 to a revoked token, calls fail with the error of the SDK until the
 * token expires or `bot.invalidate` drops it. Throws `unknown_server`.
 *
 * `@ai-sdk/mcp` and the SDK before 1.24 cannot send a refused call again. They fail when they connect, with an `invalid_configuration`
 * that names what to pass instead: `fetch: bot.fetchFor(server)`. A client that cannot be recognised, for example a bundled one, is tested:
 * its first requests carry the value `not-a-token`, and are answered with 401. For a bot of `fakeIdp` it throws `invalid_configuration` in place of the
 * first token, because the client sends its requests with a fetch of its own.
 */
export function mcpAuthProvider(bot: ServicePrincipal, server: string | URL): OAuthClientProvider {
  return new PrincipalAuthProvider(new BearerTokens(bot, server));
}

class PrincipalAuthProvider implements OAuthClientProvider {
  readonly #tokens: BearerTokens;
  readonly #burst = new Burst();
  /** How many requests of a client that is not known are still sent without a token. Zero if it is known or has passed. */
  #testRequests = TEST_REQUESTS;

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
    if (this.#testRequests > 0 && this.#isTest()) {
      await this.#tokens.presentNone();
      return { access_token: NOT_A_TOKEN, token_type: 'Bearer' };
    }
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
    this.#tokens.sendsAgain();
    this.#testRequests = 0;
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
    throw this.#tokens.cannotSendAgain();
  }

  /** The SDK before 1.24 calls this and the next three functions after a 401, because it can only ask a user. */
  state(): never {
    throw this.#tokens.cannotSendAgain();
  }

  redirectToAuthorization(): never {
    throw this.#tokens.cannotSendAgain();
  }

  saveCodeVerifier(): never {
    throw this.#tokens.cannotSendAgain();
  }

  codeVerifier(): never {
    throw this.#tokens.cannotSendAgain();
  }

  saveTokens(): void {}

  /** The provider may be printed with a configuration that contains it, so the output has only the name of the server. */
  toJSON(): Record<string, string> {
    return { server: this.#tokens.server };
  }

  /**
   * Whether this request shows what the client does after a 401. If it is known that the client fails, this throws, so that it does not
   * connect and fail at a revocation.
   */
  #isTest(): boolean {
    const client = afterRefusal(new Error('called by').stack);
    if (client === 'fails') throw needsFetchOfPrincipal(this.#tokens.server);
    if (client === 'sends-again') this.#testRequests = 0;
    if (client !== 'unknown') return false;
    this.#testRequests -= 1;
    return true;
  }
}
