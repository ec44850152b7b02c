/**
 * The client that the MCP conformance suite runs: `CREDENCE_SDK=v1|v2 npx tsx test/conformance/client.ts URL`, with the data
 * of the scenario in MCP_CONFORMANCE_CONTEXT. It connects, lists the tools and calls each of them.
 */
import {
  clientSecret,
  fromIdToken,
  noClientAuth,
  privateKeyJwt,
  ServicePrincipal,
  type ServicePrincipalOptions,
  fromWorkloadToken,
} from '@credence/core';
import { connectMcp as connectV1 } from '@credence/sdk-adapter';
import { connectMcp as connectV2 } from '@credence/sdk-adapter/v2';
import { type ConformanceContext, readContext } from './context.ts';

function principalOptions(context: ConformanceContext, url: string): ServicePrincipalOptions {
  switch (context.kind) {
    case 'enterprise-managed':
      return {
        idp: {
          issuer: context.idp_issuer,
          ...(context.idp_token_endpoint !== undefined && { tokenEndpoint: context.idp_token_endpoint }),
          credential: noClientAuth({ clientId: context.idp_client_id }),
          subject: fromIdToken(async () => context.idp_id_token),
        },
        servers: {
          target: {
            url,
            issuer: 'discover',
            credential: clientSecret({ clientId: context.client_id, secret: context.client_secret }),
          },
        },
      };
    case 'workload-identity':
      return {
        servers: {
          target: {
            url,
            issuer: 'discover',
            flow: 'workload-identity',
            credential: noClientAuth({ clientId: context.client_id }),
            assertion: fromWorkloadToken(async () => workloadJwt(context)),
          },
        },
      };
    case 'private-key-jwt':
      return {
        servers: {
          target: {
            url,
            issuer: 'discover',
            flow: 'client-credentials',
            credential: privateKeyJwt({
              clientId: context.client_id,
              key: context.private_key_pem,
              alg: context.signing_algorithm,
            }),
          },
        },
      };
    case 'client-secret':
      return {
        servers: {
          target: {
            url,
            issuer: 'discover',
            flow: 'client-credentials',
            credential: clientSecret({ clientId: context.client_id, secret: context.client_secret }),
          },
        },
      };
  }
}

/** The JWT of the workload. CREDENCE_WORKLOAD_JWT selects an invalid one: `expired` or `wrong-audience`. */
function workloadJwt(context: Extract<ConformanceContext, { kind: 'workload-identity' }>): string {
  const which = process.env['CREDENCE_WORKLOAD_JWT'] ?? 'valid';
  const jwt = { valid: context.valid_jwt, expired: context.expired_jwt, 'wrong-audience': context.wrong_audience_jwt };
  const chosen = new Map(Object.entries(jwt)).get(which);
  if (chosen === undefined) throw new Error(`The scenario has no ${which} JWT`);
  return chosen;
}

/** The methods of a client that are the same in both SDKs. */
interface ToolClient {
  listTools(): Promise<{ tools: readonly { name: string }[] }>;
  callTool(params: {
    name: string;
    arguments: Record<string, unknown>;
  }): Promise<{ [key: string]: unknown; isError?: unknown }>;
  close(): Promise<void>;
}

async function connect(bot: ServicePrincipal): Promise<ToolClient> {
  switch (process.env['CREDENCE_SDK'] ?? 'v1') {
    case 'v1':
      return connectV1(bot, 'target');
    case 'v2':
      return connectV2(bot, 'target');
    default:
      throw new Error(`CREDENCE_SDK is v1 or v2, not ${process.env['CREDENCE_SDK']}`);
  }
}

async function main(): Promise<void> {
  const url = process.argv[2];
  if (url === undefined) throw new Error('The server URL is the last argument');
  const bot = new ServicePrincipal(principalOptions(readContext(), url));
  try {
    const client = await connect(bot);
    try {
      const { tools } = await client.listTools();
      if (tools.length === 0) throw new Error('The server lists no tools');
      for (const { name } of tools) {
        const result = await client.callTool({ name, arguments: {} });
        if (result.isError) throw new Error(`The tool ${name} failed`);
      }
    } finally {
      await client.close();
    }
  } finally {
    await bot.close();
  }
}

await main();
