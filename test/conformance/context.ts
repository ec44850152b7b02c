import * as z from 'zod';

const EnterpriseManaged = z.object({
  kind: z.literal('enterprise-managed').default('enterprise-managed'),
  client_id: z.string(),
  client_secret: z.string(),
  idp_client_id: z.string(),
  idp_id_token: z.string(),
  idp_issuer: z.string(),
  idp_token_endpoint: z.string().optional(),
});

const WorkloadIdentity = z.object({
  kind: z.literal('workload-identity').default('workload-identity'),
  client_id: z.string(),
  valid_jwt: z.string(),
  wrong_audience_jwt: z.string().optional(),
  expired_jwt: z.string().optional(),
});

const PrivateKeyJwt = z.object({
  kind: z.literal('private-key-jwt').default('private-key-jwt'),
  client_id: z.string(),
  private_key_pem: z.string(),
  signing_algorithm: z.enum(['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']).default('ES256'),
});

const ClientSecret = z.object({
  kind: z.literal('client-secret').default('client-secret'),
  client_id: z.string(),
  client_secret: z.string(),
});

/**
 * The data that the suite passes to a client. The members identify its kind, because the names of scenarios differ between
 * versions of the suite. The order matters: a later schema also accepts the data of an earlier one.
 */
const Context = z.union([EnterpriseManaged, WorkloadIdentity, PrivateKeyJwt, ClientSecret]);

export type ConformanceContext = z.infer<typeof Context>;

/** Reads `MCP_CONFORMANCE_CONTEXT`. */
export function readContext(env: NodeJS.ProcessEnv = process.env): ConformanceContext {
  const json = env['MCP_CONFORMANCE_CONTEXT'];
  if (json === undefined) throw new Error('MCP_CONFORMANCE_CONTEXT is not set: the conformance suite sets it');
  return Context.parse(JSON.parse(json));
}
