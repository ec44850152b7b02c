import { GRANT_JWT_BEARER, GRANT_TOKEN_EXCHANGE, TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_JAG } from '@credence/core';
import * as oauth from 'oauth4webapi';
import { AS_SECRET, OPAQUE_RESOURCE, type World } from './world.ts';

export type Answer = { status: number; body: Record<string, unknown> };

/** The OAuth error of a response, or `granted`. */
export function outcome({ status, body }: Answer): unknown {
  return status === 200 ? 'granted' : body['error'];
}

const insecure = { [oauth.allowInsecureRequests]: true } as const;

/** A client that sends requests to the world's IdP and authorization server with oauth4webapi, without code of this project. */
export class Bot {
  readonly #world: World;
  readonly id: 'bot' | 'other';

  constructor(world: World, id: 'bot' | 'other' = 'bot') {
    this.#world = world;
    this.id = id;
  }

  idp(): oauth.AuthorizationServer {
    return { issuer: this.#world.idp.issuer, token_endpoint: `${this.#world.idp.issuer}/token` };
  }

  as(): oauth.AuthorizationServer {
    const { issuer } = this.#world.as;
    return {
      issuer,
      token_endpoint: `${issuer}/token`,
      introspection_endpoint: `${issuer}/token/introspection`,
      revocation_endpoint: `${issuer}/token/revocation`,
    };
  }

  /** Gets an access token from the IdP by client_credentials with private_key_jwt. */
  async authenticate(scope?: string, dpop?: oauth.DPoPHandle): Promise<Record<string, string>> {
    const { privateKey } = this.#world.keys[this.id];
    const parameters = new URLSearchParams(scope === undefined ? {} : { scope });
    const response = await oauth.clientCredentialsGrantRequest(
      this.idp(),
      { client_id: this.id },
      oauth.PrivateKeyJwt({ key: privateKey, kid: this.id }),
      parameters,
      { ...insecure, ...(dpop !== undefined && { DPoP: dpop }) },
    );
    return (await response.json()) as Record<string, string>;
  }

  async exchangeRaw(parameters: Record<string, string | string[]>, dpop?: oauth.DPoPHandle): Promise<Answer> {
    const { privateKey } = this.#world.keys[this.id];
    return answer(
      await oauth.genericTokenEndpointRequest(
        this.idp(),
        { client_id: this.id },
        oauth.PrivateKeyJwt({ key: privateKey, kid: this.id }),
        GRANT_TOKEN_EXCHANGE,
        searchParameters(parameters),
        { ...insecure, ...(dpop !== undefined && { DPoP: dpop }) },
      ),
    );
  }

  /** Gets an access token from the IdP and exchanges it for an ID-JAG. `parameters` override or add parameters. */
  async exchange(parameters: Record<string, string | string[]> = {}, dpop?: oauth.DPoPHandle): Promise<Answer> {
    const own = await this.authenticate(undefined, dpop);
    return this.exchangeRaw(
      {
        requested_token_type: TOKEN_TYPE_ID_JAG,
        subject_token: own['access_token'] ?? '',
        subject_token_type: TOKEN_TYPE_ACCESS_TOKEN,
        audience: this.#world.as.issuer,
        resource: OPAQUE_RESOURCE,
        scope: 'issues:read',
        ...parameters,
      },
      dpop,
    );
  }

  /** Gets an ID-JAG. Throws an error with the response body if the exchange is refused. */
  async idJag(parameters: Record<string, string | string[]> = {}, dpop?: oauth.DPoPHandle): Promise<string> {
    const { body } = await this.exchange(parameters, dpop);
    const assertion = body['access_token'];
    if (typeof assertion !== 'string') throw new Error(JSON.stringify(body));
    return assertion;
  }

  async redeem(
    assertion: string,
    parameters: Record<string, string | string[]> = {},
    options: { dpop?: oauth.DPoPHandle; grantType?: string } = {},
  ): Promise<Answer> {
    return answer(
      await oauth.genericTokenEndpointRequest(
        this.as(),
        { client_id: `${this.id}-at-as` },
        oauth.ClientSecretBasic(AS_SECRET),
        options.grantType ?? GRANT_JWT_BEARER,
        searchParameters({ assertion, ...parameters }),
        { ...insecure, ...(options.dpop !== undefined && { DPoP: options.dpop }) },
      ),
    );
  }

  async introspect(token: string): Promise<Record<string, unknown>> {
    const response = await oauth.introspectionRequest(
      this.as(),
      { client_id: `${this.id}-at-as` },
      oauth.ClientSecretBasic(AS_SECRET),
      token,
      insecure,
    );
    return (await response.json()) as Record<string, unknown>;
  }

  async revoke(token: string): Promise<number> {
    const response = await oauth.revocationRequest(
      this.as(),
      { client_id: `${this.id}-at-as` },
      oauth.ClientSecretBasic(AS_SECRET),
      token,
      insecure,
    );
    await response.body?.cancel();
    return response.status;
  }
}

async function answer(response: Response): Promise<Answer> {
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

function searchParameters(parameters: Record<string, string | string[]>): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of Array.isArray(value) ? value : [value]) search.append(name, each);
  }
  return search;
}
