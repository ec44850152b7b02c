import { type IdpOptions, type McpServerOptions, type SubjectTokenSource } from '@credence/core';
import { TOKEN_TYPE_ID_TOKEN } from '@credence/protocol';
import { z } from 'zod';
import { clientShape, credentialOf, type PresetClient } from './client.ts';
import { invalid, noIdJag } from './errors.ts';
import { baseUrl, checked, type PresetServerOptions, serverShape, subjectSource, text } from './options.ts';
import type { IdpPreset } from './preset.ts';
import { usersOnly } from './users.ts';

/** Options of `okta`. */
export interface OktaOptions extends PresetClient {
  /** The domain of the org, such as `acme.okta.com`, or its custom domain. */
  domain: string;
}

/** Options of `okta(...).idp`. Set one of them. */
export interface OktaIdpOptions {
  /** The token of one user: `fromIdToken` or `fromRefreshToken`. */
  subject?: SubjectTokenSource | undefined;
  /** The principal acts only for users, by `onBehalfOf` with `actor: 'client'`. */
  usersOnly?: boolean | undefined;
}

/** Options of `okta(...).server`. */
export interface OktaServerOptions extends PresetServerOptions {
  /** The scopes. Okta refuses a request without them if the authorization server has no default scopes. */
  scopes: readonly string[];
  /** The id of the custom authorization server. Default: `default`. */
  authorizationServer?: string | undefined;
  /** Default: `client-credentials`. */
  flow?: 'client-credentials' | 'enterprise-managed' | undefined;
}

const VENDOR = 'Okta';
const INSTEAD =
  'Use oktaForAgents if the bot is registered as an AI agent, or okta(...).server({ ... }), which requests the access token by client_credentials at a custom authorization server.';

const optionsSchema = z.strictObject({ domain: text, ...clientShape });
const idpSchema = z.strictObject({ subject: subjectSource.optional(), usersOnly: z.boolean().optional() });
const serverSchema = z.strictObject({
  ...serverShape,
  scopes: z.array(z.string(), { error: 'is missing: Okta requires scopes' }).min(1, 'is empty: Okta requires scopes'),
  authorizationServer: z
    .string()
    .regex(/^\w+$/u, 'is not an id such as default or aus9jef27qggJqmEj0g7')
    .default('default'),
  flow: z
    .enum(['client-credentials', 'enterprise-managed'], {
      error: "is not a flow that Okta documents: use 'client-credentials' or 'enterprise-managed'",
    })
    .default('client-credentials'),
});

/**
 * Okta. `idp` is Cross App Access, which Okta documents for the ID token of a user: at the org authorization server, with `scope`; the
 * audience of a client assertion is the URL of the token endpoint. `server` is a custom authorization server.
 *
 * Sources, read on 2026-11-28: developer.okta.com/docs/guides/ai-agent-token-exchange (exchange),
 * developer.okta.com/docs/guides/build-self-signed-jwt (assertion), developer.okta.com/docs/guides/implement-grant-type/clientcreds.
 *
 * @example
 * <!-- from examples/idp-presets.ts#okta -->
 * ```ts
 * const acme = okta({ domain: 'acme.okta.com', clientId: '0oa1', key: APP_KEY });
 * const idp = acme.idp({ subject: fromIdToken(() => session.idToken) }); // a user's: Okta has no ID-JAG for the bot itself
 * ```
 */
export function okta(options: OktaOptions): IdpPreset<OktaIdpOptions, OktaServerOptions> {
  const { domain, ...client } = checked('okta', optionsSchema, options);
  const org = oktaOrg('okta', domain);
  const idp = oktaIdp('okta', org, client);
  return {
    vendor: VENDOR,
    issuer: org,
    idp(idpOptions = {}): IdpOptions {
      const { subject, usersOnly: onlyUsers } = checked('okta(...).idp', idpSchema, idpOptions);
      if (!subject && onlyUsers !== true) throw noIdJag(VENDOR, INSTEAD);
      return { ...idp, subject: subject ?? usersOnly(VENDOR, TOKEN_TYPE_ID_TOKEN, INSTEAD) };
    },
    server: (serverOptions) => oktaServer('okta', org, client, serverOptions),
  };
}

/** The URL of the org. Throws `invalid_configuration`. */
export function oktaOrg(preset: string, domain: string): string {
  const org = baseUrl(`The option domain of ${preset}`, domain);
  if (/-admin\.(?:okta|oktapreview|okta-emea)\.com$/iu.test(org)) {
    throw invalid(
      `The option domain of ${preset} is the address of the admin console.`,
      'Leave out "-admin": the org answers token requests at the address without it.',
    );
  }
  return org;
}

export function oktaIdp(preset: string, org: string, client: PresetClient): IdpOptions {
  const tokenEndpoint = `${org}/oauth2/v1/token`;
  return { issuer: org, tokenEndpoint, credential: oktaCredential(preset, client, tokenEndpoint) };
}

export function oktaCredential(preset: string, client: PresetClient, tokenEndpoint: string) {
  return credentialOf(preset, client, { audience: tokenEndpoint, secretMethod: 'basic' });
}

export function oktaServer(
  preset: string,
  org: string,
  client: PresetClient,
  options: OktaServerOptions,
): McpServerOptions {
  const { authorizationServer, flow, ...server } = checked(`${preset}(...).server`, serverSchema, options);
  const issuer = `${org}/oauth2/${authorizationServer}`;
  const tokenEndpoint = `${issuer}/v1/token`;
  return {
    ...server,
    issuer,
    tokenEndpoint,
    credential: oktaCredential(preset, client, tokenEndpoint),
    flow,
    // The audience of its tokens is a setting of the custom authorization server.
    resourceParameter: 'omit',
  };
}
