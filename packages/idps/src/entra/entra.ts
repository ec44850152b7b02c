import { clientAssertion, type ClientCredential, type FetchLike, type McpServerOptions } from '@credence/core';
import { z } from 'zod';
import {
  type ClientRules,
  credentialOf,
  federatedClientShape,
  type FederatedPresetClient,
  type PresetClient,
} from '../client.ts';
import { noIdJag } from '../errors.ts';
import { baseUrl, checked, isAssertionSource, type PresetServerOptions, serverShape, text } from '../options.ts';
import type { IdpPreset } from '../preset.ts';
import { agentToken } from './agent-token.ts';
import { certificateHeader, type CertificateInput } from './thumbprint.ts';

/** An app registration with a certificate, a secret, or a federated credential for the token of a platform. */
export interface EntraClient extends FederatedPresetClient {
  /**
   * The certificate that is uploaded for the app, for `key`: Entra finds the key by the thumbprint. Default: the certificate in the text or
   * file of `key`.
   */
  certificate?: CertificateInput | undefined;
}

/** Options of `entra`. */
export interface EntraOptions extends EntraClient {
  /** The id of the tenant (a GUID). */
  tenantId: string;
  /** The client id of the app, or that of the agent identity if `blueprint` is set. */
  clientId: string;
  /** Entra Agent ID: the blueprint of the agent identity, which has the credential. The agent identity itself has none. */
  blueprint?: EntraClient | undefined;
  /** The audience of federated credentials. Default: `api://AzureADTokenExchange`. Other clouds have another one. */
  federationAudience?: string | undefined;
  /** The sign-in address. Default: `https://login.microsoftonline.com`. Other clouds have another one. */
  authority?: string | undefined;
  /** Sends the request of the blueprint. All others are sent by the `fetch` of the principal. Default: the global fetch. */
  fetch?: FetchLike | undefined;
}

/** Options of `entra(...).server`. */
export interface EntraServerOptions extends Omit<PresetServerOptions, 'scopes' | 'stepUp'> {
  /** The Application ID URI of the API, such as `api://issues`. The requested scope is this with `/.default`. */
  api: string;
  /** Entra has no other flow for a bot. */
  flow?: 'client-credentials' | undefined;
}

const VENDOR = 'Microsoft Entra ID';
const certificate = z
  .custom<CertificateInput>((value) => typeof value === 'string' || isAssertionSource(value), 'is not PEM or { file }')
  .optional();
const optionsSchema = z.strictObject({
  ...federatedClientShape,
  certificate,
  tenantId: z
    .string({ error: 'is missing' })
    .regex(
      /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu,
      'is not the id of a tenant (a GUID); a domain and "common" are not accepted, because the issuer contains the id',
    ),
  blueprint: z.strictObject({ ...federatedClientShape, certificate }).optional(),
  federationAudience: text.default('api://AzureADTokenExchange'),
  authority: text.default('https://login.microsoftonline.com'),
  fetch: z.custom<FetchLike>((value) => typeof value === 'function', 'is not a function').optional(),
});
const { scopes: _scopes, stepUp: _stepUp, ...ownShape } = serverShape;
const serverSchema = z.strictObject({
  ...ownShape,
  api: text.refine((value) => !value.endsWith('/.default'), 'ends with /.default, which the preset adds'),
  flow: z
    .literal('client-credentials', {
      error:
        'is not a flow that Entra documents for a bot: leave it out, and set entra({ assertion }) for the token of a platform',
    })
    .optional(),
});

/**
 * Microsoft Entra ID (v2.0). It documents no ID-JAG, so `idp` throws. `server` requests a token of the tenant by `client_credentials` with the
 * scope `API/.default` and without `resource`, which Entra refuses (AADSTS901002). A key needs the thumbprint of its certificate, PS256 and
 * the URL of the token endpoint as audience. The token of a platform is a client assertion by a federated credential, for the audience
 * `api://AzureADTokenExchange`. With `blueprint`, an agent identity gets its token by two requests.
 *
 * Sources, read on 2026-11-28: learn.microsoft.com/entra/identity-platform (certificate-credentials, v2-oauth2-client-creds-grant-flow),
 * learn.microsoft.com/graph/api/resources/federatedidentitycredential, learn.microsoft.com/entra/agent-id/identity-platform/autonomous-agent-request-tokens.
 *
 * @example
 * <!-- from examples/client-credentials.ts#entra -->
 * ```ts
 * const acme = entra({ tenantId: TENANT_ID, clientId: 'reporting-bot', assertion: platform }); // a federated credential
 * const issues = acme.server({ url: 'https://issues.example/mcp', api: 'api://issues' });
 * ```
 */
export function entra(options: EntraOptions): IdpPreset<never, EntraServerOptions> {
  const { tenantId, blueprint, federationAudience, authority, fetch, ...client } = checked(
    'entra',
    optionsSchema,
    options,
  );
  const base = baseUrl('The option authority of entra', authority);
  const issuer = `${base}/${tenantId}/v2.0`;
  const tokenEndpoint = `${base}/${tenantId}/oauth2/v2.0/token`;
  const rules: ClientRules = { audience: tokenEndpoint, secretMethod: 'post', assertionAudience: federationAudience };
  const credential =
    blueprint === undefined
      ? entraCredential('entra', client, rules)
      : agentCredential(client, {
          issuer,
          tokenEndpoint,
          blueprint: entraCredential('entra (blueprint)', blueprint, rules),
          scope: `${federationAudience}/.default`,
          fetch,
        });
  return {
    vendor: VENDOR,
    issuer,
    idp() {
      throw noIdJag(
        VENDOR,
        'Use entra(...).server({ ... }), which requests the access token by client_credentials at the tenant, with a key, a secret or the token of a platform.',
      );
    },
    server(serverOptions): McpServerOptions {
      const { api, ...server } = checked('entra(...).server', serverSchema, serverOptions);
      return {
        ...server,
        issuer,
        tokenEndpoint,
        credential,
        scopes: [`${api}/.default`],
        flow: 'client-credentials',
        resourceParameter: 'omit',
      };
    },
  };
}

function entraCredential(
  where: string,
  { certificate: own, ...client }: EntraClient,
  rules: ClientRules,
): ClientCredential {
  if (client.key === undefined) return credentialOf(where, client, rules);
  return credentialOf(where, client, { ...rules, alg: 'PS256', header: certificateHeader(own ?? textOf(client.key)) });
}

/** The key may have its certificate in the same text or file. */
function textOf(key: NonNullable<PresetClient['key']>): CertificateInput {
  if (typeof key === 'string') return key;
  const file = typeof key === 'object' && 'file' in key ? key.file : undefined;
  return typeof file === 'string' ? { file } : '';
}

/** An agent identity has no credential of its own: `clientId` is all that its options contain. */
function agentCredential(
  { clientId, ...own }: EntraClient,
  hop: Omit<Parameters<typeof agentToken>[0], 'agentId'>,
): ClientCredential {
  if (Object.values(own).some((value) => value !== undefined)) {
    // Throws: two credentials, or one in the wrong place.
    checked('entra with blueprint', z.strictObject({ clientId: text }), { clientId, ...own });
  }
  return clientAssertion({ clientId, assertion: agentToken({ ...hop, agentId: clientId }) });
}
