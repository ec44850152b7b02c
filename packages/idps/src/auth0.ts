import type { McpServerOptions } from '@credence/core';
import { z } from 'zod';
import { clientShape, credentialOf, type PresetClient } from './client.ts';
import { noIdJag } from './errors.ts';
import { baseUrl, checked, type PresetServerOptions, serverShape, text } from './options.ts';
import type { IdpPreset } from './preset.ts';

/** Options of `auth0`. */
export interface Auth0Options extends PresetClient {
  /** The domain of the tenant, such as `acme.eu.auth0.com`, or its custom domain. */
  domain: string;
}

/** Options of `auth0(...).server`. */
export interface Auth0ServerOptions extends PresetServerOptions {
  /** The identifier of the API, which is the parameter `audience`. Default: the URL of the MCP server. */
  api?: string | undefined;
  /** Default: `client-credentials`. `enterprise-managed`: another IdP issues the ID-JAG, and the tenant redeems it. */
  flow?: 'client-credentials' | 'enterprise-managed' | undefined;
}

const VENDOR = 'Auth0';
const optionsSchema = z.strictObject({ domain: text, ...clientShape });
const serverSchema = z.strictObject({
  ...serverShape,
  api: text.optional(),
  flow: z
    .enum(['client-credentials', 'enterprise-managed'], {
      error: "is not a flow that Auth0 documents: use 'client-credentials' or 'enterprise-managed'",
    })
    .default('client-credentials'),
});

/**
 * Auth0. It documents no ID-JAG that it issues, so `idp` throws. `server` requests tokens of a tenant with `audience` and without
 * `resource`. The issuer, and so the audience of a client assertion, ends with a slash. With `enterprise-managed` the tenant redeems the
 * ID-JAGs of another IdP (Cross App Access, early access).
 *
 * Sources, read on 2026-11-28: auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt,
 * auth0.com/docs/api/authentication/cross-app-access/get-token, auth0.com/ai/docs/mcp/guides/resource-param-compatibility-profile.
 *
 * @example
 * <!-- from examples/client-credentials.ts#auth0 -->
 * ```ts
 * const tenant = auth0({ domain: 'acme.eu.auth0.com', clientId: 'reporting-bot', key: BOT_KEY });
 * const wiki = tenant.server({ url: 'https://wiki.example/mcp', api: 'https://wiki.example', scopes: ['read'] });
 * ```
 */
export function auth0(options: Auth0Options): IdpPreset<never, Auth0ServerOptions> {
  const { domain, ...client } = checked('auth0', optionsSchema, options);
  const origin = baseUrl('The option domain of auth0', domain);
  const issuer = `${origin}/`;
  const credential = credentialOf('auth0', client, { audience: issuer, secretMethod: 'post' });
  return {
    vendor: VENDOR,
    issuer,
    idp() {
      throw noIdJag(
        VENDOR,
        'Use auth0(...).server({ ... }), which requests the access token by client_credentials at the tenant.',
      );
    },
    server(serverOptions): McpServerOptions {
      const { api, flow, ...server } = checked('auth0(...).server', serverSchema, serverOptions);
      const common = { ...server, issuer, tokenEndpoint: `${origin}/oauth/token`, credential, flow };
      if (flow === 'enterprise-managed') return common;
      // If both are sent, Auth0 uses the audience.
      return { ...common, audience: api ?? server.url, resourceParameter: 'omit' };
    },
  };
}
