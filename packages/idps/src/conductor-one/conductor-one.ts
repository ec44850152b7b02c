import {
  type ClientCredential,
  fromWorkloadToken,
  type IdpOptions,
  noClientAuth,
  ownToken,
  type SubjectTokenSource,
  type WorkloadTokenSource,
} from '@credence/core';
import { TOKEN_TYPE_ACCESS_TOKEN } from '@credence/protocol';
import { z } from 'zod';
import { invalid } from '../errors.ts';
import { checked, isAssertionSource, isPlatform, subjectSource, text } from '../options.ts';
import type { IdpPreset } from '../preset.ts';
import { type C1ClientId, c1ClientId, tenantUrl } from './client-id.ts';
import { c1Assertion, c1Post, type C1Secret } from './credential.ts';

/** Options of `conductorOne`. Set exactly one of `clientSecret`, `workload` and `accessToken`. */
export interface ConductorOneOptions {
  /**
   * The client id: of a credential of the service principal (`clever-fox-42195@acme.conductor.one/spc`), or of a federation trust
   * (`...@acme.conductor.one/wfe`) for `workload`.
   */
  clientId: string;
  /** The client secret, which begins with `secret-token:conductorone.com:v1:`; or a file or function with it. */
  clientSecret?: C1Secret | undefined;
  /**
   * How the secret is used. `assertion` (default): it signs a client assertion and is not sent, as C1's own tools do. `post`: it is sent
   * as `client_secret`.
   */
  method?: 'assertion' | 'post' | undefined;
  /** Workload federation: a platform of `@credence/platforms`, whose token C1 exchanges for an access token. No secret is stored. */
  workload?: WorkloadTokenSource | undefined;
  /** An access token of C1 that another program has obtained. It is not renewed. */
  accessToken?: string | undefined;
  /** The tenant, if it is not the one in the client id: its domain, or its name under `conductor.one`. */
  tenant?: string | undefined;
  /** The base URL of C1, if it is not that of the tenant. */
  serverUrl?: string | undefined;
}

/** Options of `conductorOne(...).idp`. */
export interface ConductorOneIdpOptions {
  /** Another subject token, such as `fromIdToken`. Default: the service principal's own access token. */
  subject?: SubjectTokenSource | undefined;
}

const PRESET = 'conductorOne';
const optionsSchema = z.strictObject({
  clientId: text,
  clientSecret: z
    .custom<C1Secret>(
      (value) => typeof value === 'string' || isAssertionSource(value),
      'is not a secret: give a text, { file } or a function',
    )
    .optional(),
  method: z.enum(['assertion', 'post'], { error: "is neither 'assertion' nor 'post'" }).default('assertion'),
  workload: z.custom<WorkloadTokenSource>(isPlatform, 'is not a platform: use one of @credence/platforms').optional(),
  accessToken: text.optional(),
  tenant: text.optional(),
  serverUrl: text.optional(),
});
const idpSchema = z.strictObject({ subject: subjectSource.optional() });

/**
 * C1 (ConductorOne). Issuer and token endpoint follow from the tenant in the client id. The subject is the service principal's own
 * access token: C1 documents ID-JAGs for the ID token of a user, and does not spell out what a service principal presents. C1 is no
 * authorization server for MCP servers, so `server` throws.
 *
 * Sources, read on 2026-11-28: conductorone.com/docs/product/admin/service-principals (client-credentials, workload-federation,
 * custom-oidc), conductorone.com/docs/product/admin/enterprise-managed-authorization, and C1's SDK for Go,
 * github.com/ConductorOne/conductorone-sdk-go.
 *
 * @example
 * <!-- from examples/idp-presets.ts#conductor-one -->
 * ```ts
 * const acme = conductorOne({ clientId: 'clever-fox-42195@acme.conductor.one/spc', clientSecret: C1_SECRET });
 * const idp = acme.idp();
 * // without a stored secret: C1 exchanges the token of the platform
 * const federated = conductorOne({ clientId: 'quiet-bear-88456@acme.conductor.one/wfe', workload: platform }).idp();
 * ```
 */
export function conductorOne(options: ConductorOneOptions): IdpPreset<ConductorOneIdpOptions, never> {
  const { tenant, serverUrl, ...settings } = checked(PRESET, optionsSchema, options);
  const id = c1ClientId('The option clientId of conductorOne', settings.clientId);
  const issuer = tenantUrl(id, { tenant, serverUrl });
  const { credential, subject: own } = identityOf(id, settings, new URL(issuer).hostname);
  return {
    vendor: 'C1',
    issuer,
    idp(idpOptions = {}): IdpOptions {
      const { subject } = checked('conductorOne(...).idp', idpSchema, idpOptions);
      return { issuer, tokenEndpoint: `${issuer}/auth/v1/token`, credential, subject: subject ?? own };
    },
    server() {
      throw invalid(
        'C1 is the identity provider, and not the authorization server of an MCP server.',
        'Write the entry of the server yourself: url, and issuer and credential of its own authorization server.',
      );
    },
  };
}

/** How the service principal identifies itself. `host` is that of the tenant, without the port. */
function identityOf(
  id: C1ClientId,
  { clientSecret, method, workload, accessToken }: Omit<z.output<typeof optionsSchema>, 'tenant' | 'serverUrl'>,
  host: string,
): { readonly credential: ClientCredential; readonly subject: SubjectTokenSource } {
  const given = Object.entries({ clientSecret, workload, accessToken }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    throw invalid(
      `conductorOne has ${given.length === 0 ? 'no credential' : given.map(([name]) => name).join(' and ')}.`,
      'Set exactly one of clientSecret, workload and accessToken.',
    );
  }
  const { clientId, kind } = id;
  if (clientSecret !== undefined) {
    if (kind === 'wfe') throw wrongKind('a federation trust (/wfe), which has no secret', 'a credential (/spc)');
    const credential = method === 'post' ? c1Post(clientId, clientSecret) : c1Assertion(clientId, clientSecret, host);
    return { credential, subject: ownToken() };
  }
  const credential = noClientAuth({ clientId });
  if (workload !== undefined) {
    if (kind !== 'wfe') throw wrongKind('not that of a federation trust', 'the trust (/wfe)');
    // The token of the platform must have the domain of the tenant as audience.
    return {
      credential,
      subject: ownToken({ from: fromWorkloadToken(workload, { audience: host, identity: clientId }) }),
    };
  }
  const token = accessToken ?? '';
  return {
    credential,
    subject: fromWorkloadToken(() => token, { type: TOKEN_TYPE_ACCESS_TOKEN, identity: clientId }),
  };
}

function wrongKind(is: string, wanted: string) {
  return invalid(
    `The option clientId of conductorOne is ${is}.`,
    `Set it to the client id of ${wanted}, which C1 shows on the page of the service principal.`,
  );
}
